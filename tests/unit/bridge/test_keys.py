"""Keys: their file, the command that keeps it, and what names a tenant's things."""

import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.records import keys_command
from bridge.records.api_keys import KeyFile, Line, digest_of, new_key
from bridge.records.tenants import DEFAULT, Key, Limits, Principal, Scope, Tenant

ids = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
names = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}", fullmatch=True)
ACME = Principal(Tenant("acme"), "ci", frozenset({Scope.READ}), Limits(requests=3, bytes=9))


@given(one=st.tuples(names, ids), other=st.tuples(names, ids))
def test_keys_differ_where_tenant_or_id_does(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = (Tenant(name).key(public) for name, public in (one, other))
    assert (first == second) == (one == other)
    assert (first.tenant.name, first.public) == one
    assert (Key(str(first)).tenant, Key(str(first)).public) == (first.tenant, first.public)
    assert DEFAULT.key(one[1]) == one[1], "as it was before there were tenants"


@pytest.mark.parametrize("text", ["acme.x", "", "x" * 65, "a/b", "a:b", "é", "x\n"])
def test_what_names_anothers_things_is_no_id(text: str) -> None:
    for tenant in (DEFAULT, Tenant("acme")):
        with pytest.raises(ValueError, match="an id has"):
            tenant.key(text)


@pytest.mark.parametrize("name", ["", "a.b", "a:b", "a b", "-a", "x" * 33, "a\n"])
def test_a_tenants_name_is_a_word(name: str) -> None:
    with pytest.raises(ValueError, match="a tenant's name"):
        Tenant(name)


def test_a_line_is_read_as_it_was_written() -> None:
    key, line = new_key(ACME)
    assert Line.parse(str(line)) == line
    assert key not in str(line)
    assert str(line) == f"ci {digest_of(key)} acme read requests=3 bytes=9"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_the_file_is_read_again_when_it_changes(path: Path) -> None:
    (first, one), (second, two) = new_key(ACME), new_key(Principal(Tenant("other"), "x"))
    file = KeyFile(str(path))
    assert file.holder(first) is None, "there is no file yet"
    path.write_text(f"# ours\n\n{one}\n")
    assert file.holder(first) == ACME
    assert file.holder(second) is file.holder(first[:-1]) is file.holder("") is None
    path.write_text(f"{two}\n")
    assert (file.holder(first), file.holder(second)) == (None, two.principal)
    path.unlink()
    assert file.holder(second) is None, "nobody has a key of a file that is gone"


@pytest.mark.parametrize(
    "broken",
    [
        "ci",
        "ci not-a-digest acme read",
        f"c.i {'0' * 64} acme read",
        f"broken {'0' * 64} a.cme read",
        f"broken {'0' * 64} acme all",
        f"broken {'0' * 64} acme read requests=many",
        f"broken {'0' * 64} acme read requests=0",
        f"broken {'0' * 64} acme read words=1",
        f"ci {'0' * 64} acme read",
    ],
)
def test_a_broken_line_is_told_by_number_and_locks_nobody_out(
    path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    (first, one), (last, other) = new_key(ACME), new_key(Principal(Tenant("other"), "x"))
    path.write_text(f"{one}\n{broken}\n{other}\n")
    file = KeyFile(str(path))
    with caplog.at_level(logging.INFO):
        assert (file.holder(first), file.holder(last)) == (ACME, other.principal)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].startswith("API_KEYS_FILE, line 2: ")
    assert not [key for key in (first, last, digest_of(first), "0" * 64) if key in caplog.text]


def _ran(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = keys_command.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_a_key_is_added_listed_and_revoked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("# ours")
    add = ("--file", path, "add", "ci", "--tenant", "acme", "--scopes", "read", "--minutes", 60)
    status, shown, _ = _ran(capsys, *add)
    found = re.search(r"wxs_\S+", shown)
    assert status == 0
    assert found
    assert found[0] not in path.read_text()
    holder = KeyFile(str(path)).holder(found[0])
    assert holder == Principal(Tenant("acme"), "ci", frozenset({Scope.READ}), Limits(minutes=60))
    assert _ran(capsys, *add)[0] == 1, "the id is taken"
    assert _ran(capsys, "--file", path, "list")[1] == "ci acme read minutes=60\n"
    assert _ran(capsys, "--file", path, "revoke", "ci")[0] == 0
    assert path.read_text() == "# ours\n"
    assert _ran(capsys, "--file", path, "revoke", "ci")[0] == 1


def test_what_is_in_a_new_file_is_read_by_its_owner_alone(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ran(capsys, "--file", path, "add", "ci", "--tenant", "acme")[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    for _ in range(2):  # without a name it gets one
        assert _ran(capsys, "--file", path, "add", "--tenant", "acme")[0] == 0
    assert len(_ran(capsys, "--file", path, "list")[1].splitlines()) == 3


@pytest.mark.parametrize("command", ["add", "revoke"])
def test_where_the_file_cannot_be_written_the_line_is_printed(
    path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    _, line = new_key(ACME)
    before = f"{line}\n"
    path.write_text(before)
    path.chmod(0o444)
    rest = ("add", "new", "--tenant", "acme") if command == "add" else ("revoke", "ci")
    status, shown, errors = _ran(capsys, "--file", path, *rest)
    assert (status, path.read_text()) == (0, before)
    assert "cannot be written" in errors
    printed = Line.parse(shown.splitlines()[0])
    assert printed.principal.key_id == ("new" if command == "add" else "ci")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "wrong",
    [
        ("add", "c.i", "--tenant", "acme"),
        ("add", "ci", "--tenant", "a.cme"),
        ("add", "ci", "--tenant", "acme", "--scopes", "all"),
        ("add", "ci", "--tenant", "acme", "--bytes", 0),
    ],
)
def test_what_the_bridge_would_refuse_is_not_written(
    path: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[object, ...]
) -> None:
    status, _, errors = _ran(capsys, "--file", path, *wrong)
    assert (status, path.exists()) == (1, False)
    assert errors.startswith("keys: ")


def test_without_a_file_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_KEYS_FILE", raising=False)
    status, _, errors = _ran(capsys, "list")
    assert (status, "API_KEYS_FILE" in errors) == (2, True)
