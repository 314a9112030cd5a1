"""What cannot be started is refused in one line, before anything is."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.preflight import prepared
from stack.settings import ROOT, StackSettings, free_port
from tests.fixtures import lone
from tests.fixtures.old_redis import old_redis
from transcription.environment import SettingsError

SECRETS = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}
HOLD = """
import os, sys
from stack.preflight import prepared
from stack.settings import StackSettings
with prepared(StackSettings.from_env(os.environ)):
    print("held", flush=True)
    sys.stdin.read()
"""


def environment(state: Path, **environ: str) -> dict[str, str]:
    ports = {name: str(free_port()) for name in ("BRIDGE_PORT", "COG_PORT")}
    given = {"STATE_DIR": str(state), "DEVICE": "cpu", **SECRETS, **ports, **environ}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}


def refusal(state: Path, **environ: str) -> str:
    settings = StackSettings.from_env(environment(state, **environ))
    with pytest.raises(SettingsError) as refused, prepared(settings):
        pass
    (line,) = str(refused.value).splitlines()
    return line


@contextmanager
def another(state: Path, **environ: str) -> Iterator[int]:
    """A process that holds the folders of a stack while the block runs; its number."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment(state, **environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    try:
        yield process.pid
    finally:
        process.communicate()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(("value", "reason"), [("short", "shorter than 8"), ("changeme", "place")])
def test_a_secret_that_is_none(tmp_path: Path, name: str, value: str, reason: str) -> None:
    line = refusal(tmp_path, **{name: value})
    assert line.startswith(name)
    assert reason in line


@pytest.mark.parametrize("name", ["BRIDGE_PORT", "COG_PORT", "INTERNAL_PORT", "METRICS_PORT"])
def test_a_port_that_another_program_has(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(tmp_path, **{name: str(port)})
    assert line.startswith(f"{name}: port {port} is taken by ")
    assert f"(process {os.getpid()})" in line


def test_one_port_for_two(tmp_path: Path) -> None:
    port = str(free_port())
    line = refusal(tmp_path, BRIDGE_PORT=port, COG_PORT=port)
    assert line == f"COG_PORT and BRIDGE_PORT are both {port}; each needs its own"


def test_a_name_has_a_port_only_where_all_its_addresses_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = ("127.0.0.1", "127.0.0.2")
    with socket.create_server((addresses[1], 0)) as taken:
        port = taken.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port)) for name in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        line = refusal(tmp_path, BRIDGE_HOST="both", BRIDGE_PORT=str(port))
    assert line.startswith(f"BRIDGE_PORT: port {port} is taken by ")


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    line = refusal(tmp_path, BRIDGE_HOST="192.0.2.1")
    assert "192.0.2.1 (BRIDGE_HOST)" in line


@pytest.mark.parametrize("name", ["STATE_DIR", "FILES_DIR"])
def test_a_folder_that_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(tmp_path / "state", **{name: str(tmp_path / "file" / "folder")})
    assert line == f"{name}: {tmp_path}/file/folder cannot be written to: Not a directory"


def test_a_folder_that_another_stack_holds(tmp_path: Path) -> None:
    with another(tmp_path) as pid:
        line = refusal(tmp_path)
    assert line.startswith(f"STATE_DIR: {tmp_path} is in use by ")
    assert f"(process {pid}); choose another with STATE_DIR=FOLDER" in line
    with prepared(StackSettings.from_env(environment(tmp_path))):
        pass  # the other one has let go


def test_what_outlives_its_supervisor_still_holds_the_folder(tmp_path: Path) -> None:
    with prepared(StackSettings.from_env(environment(tmp_path))) as kept:
        left = subprocess.Popen(["sleep", "1000"], pass_fds=kept)
    try:
        assert f"sleep (process {left.pid})" in refusal(tmp_path)
    finally:
        left.kill()
        left.wait()


def test_recordings_are_shared_only_on_one_redis(tmp_path: Path) -> None:
    files = str(tmp_path / "files")
    with another(tmp_path / "one", FILES_DIR=files):
        assert refusal(tmp_path / "two", FILES_DIR=files).startswith(f"FILES_DIR: {files} is in")
    port = free_port()
    both = {"FILES_DIR": files, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    with lone.redis(tmp_path, port), another(tmp_path / "one", **both):
        with prepared(StackSettings.from_env(environment(tmp_path / "two", **both))):
            pass
        assert refusal(tmp_path / "three", FILES_DIR=files).startswith("FILES_DIR")


def test_a_redis_that_does_not_answer(tmp_path: Path) -> None:
    port = free_port()
    line = refusal(tmp_path, REDIS_URL=f"redis://:hidden-password@127.0.0.1:{port}/0")
    assert line.startswith("REDIS_URL: ")
    assert f"127.0.0.1:{port}" in line
    assert "hidden" not in line


def test_a_redis_that_is_too_old(tmp_path: Path) -> None:
    with old_redis() as port:
        line = refusal(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert line == "REDIS_URL: the Redis there has version 5.0.14; at least 6.2 is needed"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (None, "redis-server is not installed; install it, or set REDIS_URL"),
        ("Redis server v=5.0.14 sha=0", "redis-server has version 5.0.14; at least 6.2 is needed"),
    ],
)
def test_a_redis_of_ones_own_that_does_not_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, reason: str
) -> None:
    if program:
        (tmp_path / "redis-server").write_text(f"#!/bin/sh\necho '{program}'\n")
        (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(tmp_path / "state") == reason
