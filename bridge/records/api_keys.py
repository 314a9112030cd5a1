"""The keys of API_KEYS_FILE: a line each, without the key itself, read again when it changes.

    <key id> <SHA-256 of the key, hexadecimal> <tenant> <scopes> [<limit>=<number> …]

Scopes are separated by commas. Empty lines and those that begin with ``#`` say nothing.
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bridge.records.tenants import Limits, Principal, Scope, Tenant

PREFIX = "wxs_"  # of a generated key, so that one that lies about is known for what it is
_KEY_BYTES = 32
_KEY_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One key: how it is recognized, and what its holder may do."""

    digest: str
    principal: Principal

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, with words that do not quote the line."""
        parts = text.split()
        if len(parts) < 4:
            raise ValueError("it needs a key id, a SHA-256, a tenant and scopes")
        key_id, digest, tenant, scopes, *limits = parts
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError("a key id has 1-32 letters, digits, _ or -")
        if not _DIGEST.fullmatch(digest.lower()):
            raise ValueError("the second word is no SHA-256 in hexadecimal")
        known = {scope.value: scope for scope in Scope}
        if not set(scopes.split(",")) <= set(known):
            raise ValueError(f"scopes are {', '.join(known)}")
        given = frozenset(known[scope] for scope in scopes.split(","))
        principal = Principal(Tenant(tenant), key_id, given, Limits.parse(limits))
        return cls(digest.lower(), principal)

    def __str__(self) -> str:
        holder = self.principal
        scopes = ",".join(scope for scope in Scope if scope in holder.scopes)
        words = [holder.key_id, self.digest, holder.tenant.name, scopes, str(holder.limits)]
        return " ".join(filter(None, words))


def new_key(principal: Principal) -> tuple[str, Line]:
    """A new key, which is shown once, and its line."""
    key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return key, Line(digest_of(key), principal)


def digest_of(key: str) -> str:
    """What the file holds of a key."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def read(text: str) -> Iterator[tuple[int, Line | ValueError]]:
    """(number of the line, the key or what is wrong with it), for each that says something."""
    seen: set[str] = set()
    for number, written in enumerate(text.splitlines(), 1):
        if not written.strip() or written.lstrip().startswith("#"):
            continue
        try:
            line = Line.parse(written)
            if line.principal.key_id in seen:
                raise ValueError("an earlier line has the same key id")
        except ValueError as error:
            yield number, error
        else:
            seen.add(line.principal.key_id)
            yield number, line


class KeyFile:
    """The keys that are valid now."""

    def __init__(self, path: str) -> None:
        self._path: Final = Path(path) if path else None
        self._seen: object = None
        self._lines: list[Line] = []

    def holder(self, key: str) -> Principal | None:
        """The holder of a key, None for an unknown one."""
        self._read_again()
        digest, found = digest_of(key), None
        # Every line is compared, so that the time taken does not tell which one came close.
        for line in self._lines:
            if hmac.compare_digest(digest, line.digest):
                found = line.principal
        return found

    def limits(self, key_id: str) -> Limits:
        """The limits of the key of that id now; none of one that is gone."""
        self._read_again()
        found = (line.principal for line in self._lines if line.principal.key_id == key_id)
        return next((principal.limits for principal in found), Limits())

    def _read_again(self) -> None:
        """Read the file again if it changed. A file that cannot be read has no keys."""
        if self._path is None:
            return
        try:
            status = self._path.stat()
            now: object = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
            text = "" if now == self._seen else self._path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            now, text = type(error).__name__, ""
            if now != self._seen:
                _log.error("API_KEYS_FILE cannot be read: %s", now)
        if now == self._seen:
            return
        self._seen, self._lines = now, []
        for number, line in read(text):
            if isinstance(line, Line):
                self._lines.append(line)
            else:
                _log.error("API_KEYS_FILE, line %d: %s", number, line)
        _log.info("API_KEYS_FILE: %d keys", len(self._lines))
