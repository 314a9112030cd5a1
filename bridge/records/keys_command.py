"""``python -m bridge keys``: makes, lists and revokes the keys of API_KEYS_FILE.

A key is shown once, when it is made; the file holds its digest alone. Where the file cannot be
written, as a Secret of Kubernetes cannot, the line that belongs into it is printed.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from bridge.records.api_keys import Line, new_key, read
from bridge.records.tenants import Limits, Principal, Scope, Tenant

_WRITABLE = 0o222
_OWN = 0o600


class Refused(Exception):
    """What was asked cannot be done, for the reason in its text."""


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 when it cannot be done, 2 for wrong arguments."""
    given = _parser().parse_args(arguments)
    if not given.file:
        print("keys: set API_KEYS_FILE, or name the file with --file", file=sys.stderr)
        return 2
    path = Path(given.file)
    try:
        match given.command:
            case "add":
                _add(path, given)
            case "list":
                _list(path)
            case "revoke":
                _revoke(path, given.key_id)
    except (Refused, ValueError, OSError) as error:
        print(f"keys: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge keys", description=__doc__)
    parser.add_argument(
        "--file", default=os.environ.get("API_KEYS_FILE", ""), help="instead of API_KEYS_FILE"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="make a key and show it")
    add.add_argument(
        "key_id",
        nargs="?",
        default=f"key-{secrets.token_hex(4)}",
        help="how the key is called, in this file and in the log; random when left out",
    )
    add.add_argument("--tenant", required=True)
    add.add_argument("--scopes", default="read,write", help="read, write, operator")
    for limit in fields(Limits):
        add.add_argument(f"--{limit.name}", type=int, help=f"limit: {_MEANINGS[limit.name]}")
    commands.add_parser("list", help="show all keys, without what they are")
    revoke = commands.add_parser("revoke", help="make a key invalid")
    revoke.add_argument("key_id")
    return parser


_MEANINGS = {
    "requests": "requests in any second",
    "unfinished": "unfinished predictions at once",
    "minutes": "minutes of recordings a day, in UTC",
    "bytes": "bytes of recordings and files at once",
}


def _add(path: Path, given: argparse.Namespace) -> None:
    text = path.read_text() if path.exists() else ""
    if given.key_id in {line.principal.key_id for line in _lines(text)}:
        raise Refused(f"there is a key {given.key_id} already")
    unknown = set(given.scopes.split(",")) - {scope.value for scope in Scope}
    if unknown:
        raise Refused(f"scopes are {', '.join(Scope)}")
    limits = {limit.name: getattr(given, limit.name) for limit in fields(Limits)}
    if any(number is not None and number < 1 for number in limits.values()):
        raise Refused("a limit is at least 1")
    scopes = frozenset(map(Scope, given.scopes.split(",")))
    principal = Principal(Tenant(given.tenant), given.key_id, scopes, Limits(**limits))
    key, line = new_key(principal)
    Line.parse(str(line))  # what the bridge would refuse is not written
    before = text if text.endswith("\n") or not text else f"{text}\n"
    if not _write(path, f"{before}{line}\n"):
        print(f"{path} cannot be written. Add this line to it:", file=sys.stderr)
        print(line)
    print(f"The key, shown this once: {key}")


def _list(path: Path) -> None:
    for number, line in read(path.read_text()):
        if isinstance(line, Line):
            key_id, _, rest = str(line).split(" ", 2)
            print(f"{key_id} {rest}")
        else:
            print(f"line {number}: {line}", file=sys.stderr)


def _revoke(path: Path, key_id: str) -> None:
    text = path.read_text()
    written = text.splitlines(keepends=True)
    numbers = [
        number
        for number, line in read(text)
        if isinstance(line, Line) and line.principal.key_id == key_id
    ]
    if not numbers:
        raise Refused(f"there is no key {key_id}")
    [number] = numbers
    if _write(path, "".join(written[: number - 1] + written[number:])):
        print(f"{key_id} is revoked.")
    else:
        print(f"{path} cannot be written. Take this line out of it:", file=sys.stderr)
        print(written[number - 1].rstrip("\n"))


def _lines(text: str) -> list[Line]:
    return [line for _, line in read(text) if isinstance(line, Line)]


def _write(path: Path, text: str) -> bool:
    """Replace the file, so that a reader sees the old one or the new; False where it is fixed."""
    mode = path.stat().st_mode if path.exists() else _OWN
    if not mode & _WRITABLE:  # to root as well: somebody meant it
        return False
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.touch(_OWN)
        beside.write_text(text)
        beside.chmod(mode & 0o777)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        return False
    return True
