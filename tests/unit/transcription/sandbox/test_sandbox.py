"""What a decoder cannot do, whatever the recording makes of it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import wait_until
from transcription.environment import SettingsError
from transcription.errors import InvalidAudio
from transcription.sandbox import client
from transcription.sandbox.client import Report, Sandbox
from transcription.sandbox.confinement import Bounds, Level

VILLAIN = "tests.unit.transcription.sandbox.villain"
BOUNDS = Bounds(seconds=20, memory=1 << 28, result=1 << 21)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    found = Sandbox(VILLAIN)
    yield found
    found.close()


def does(sandbox: Sandbox, attempt: str, bounds: Bounds = BOUNDS) -> str:
    with sandbox.asked(attempt.encode(), {}, bounds) as answer:
        return str(answer.description["found"])


def test_this_kernel_gives_every_layer(sandbox: Sandbox) -> None:
    assert sandbox.report(required=True).level.full


@pytest.mark.parametrize(
    "attempt",
    [
        "read /etc/passwd",
        "read /proc/{ours}/environ",
        "read /proc/self/environ",
        "read_raw /etc/passwd",
        "listed /",
        "pair",
        "fork",
        "execute",
        "spawn",
        "trace {ours}",
        "raise_limits",
        "grow",
    ],
)
def test_it_is_refused(sandbox: Sandbox, attempt: str) -> None:
    asked = attempt.format(ours=os.getpid())  # each of pytest's workers has a number of its own
    assert does(sandbox, asked).startswith("refused:")


def test_nothing_is_written(sandbox: Sandbox, tmp_path: Path) -> None:
    assert does(sandbox, f"write {tmp_path / 'file'}").startswith("refused:")
    assert not list(tmp_path.iterdir())


def test_nobody_is_called(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert does(sandbox, f"connect {server.getsockname()[1]}").startswith("refused:")


def test_nobody_else_is_killed(sandbox: Sandbox) -> None:
    assert does(sandbox, f"kill {os.getpid()}") == "refused: PermissionError"


def test_it_has_threads_and_no_secrets(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_TOKEN", "a secret")
    assert does(sandbox, "thread") == "a thread"
    own = Sandbox(VILLAIN)
    assert "BRIDGE_TOKEN" not in does(own, "environment")
    own.close()


@pytest.mark.parametrize("attempt", ["crash", "abort", "leave", "lie"])
def test_a_crash_is_the_recordings_error(sandbox: Sandbox, attempt: str) -> None:
    with pytest.raises(InvalidAudio, match="the decoder does not survive"):
        does(sandbox, attempt)
    assert does(sandbox, "RIFF") == "a recording"


def test_memory_is_bounded(sandbox: Sandbox) -> None:
    assert does(sandbox, f"allocate {8 << 30}").startswith("refused:")
    with pytest.raises(InvalidAudio, match="more memory"):
        does(sandbox, "exhaust")
    assert does(sandbox, "RIFF") == "a recording"


@pytest.mark.parametrize("attempt", ["loop", "sleep"])
def test_time_is_bounded_and_the_worker_is_gone(sandbox: Sandbox, attempt: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidAudio, match="takes too long"):
        does(sandbox, attempt, Bounds(seconds=0.5, memory=1 << 28, result=1 << 21))
    assert time.monotonic() - began < 10
    wait_until(lambda: len(children(sandbox)) <= 1, "one worker waits")
    assert does(sandbox, "RIFF") == "a recording"


def test_a_keeper_that_died_is_replaced(sandbox: Sandbox) -> None:
    assert does(sandbox, "RIFF") == "a recording"
    keeper = sandbox._keeper
    assert keeper is not None
    keeper._process.kill()
    wait_until(lambda: keeper.ended, "it has ended")
    assert does(sandbox, "RIFF") == "a recording"
    assert keeper._control.fileno() == -1, "its socket is closed"


def test_a_worker_that_died_while_it_waited_is_replaced(sandbox: Sandbox) -> None:
    assert does(sandbox, "RIFF") == "a recording"
    wait_until(lambda: len(children(sandbox)) == 1, "one worker waits")
    (waits,) = children(sandbox)
    os.kill(int(waits), signal.SIGKILL)
    wait_until(lambda: waits not in children(sandbox), "it is gone")
    assert does(sandbox, "RIFF") == "a recording"


def test_many_at_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(16) as threads:
        attempts = ["RIFF", "crash"] * 20
        found = list(threads.map(partial(outcome, sandbox), attempts))
    assert found == ["a recording", "is damaged in a way that the decoder does not survive"] * 20


def outcome(sandbox: Sandbox, attempt: str) -> str:
    try:
        return does(sandbox, attempt)
    except InvalidAudio as error:
        return error.reason


def children(sandbox: Sandbox) -> set[str]:
    keeper = sandbox._keeper
    assert keeper is not None
    process = keeper._process.pid
    return set(Path(f"/proc/{process}/task/{process}/children").read_text().split())


@pytest.mark.parametrize("level", [Level(0, seccomp=True), Level(3, seccomp=False)])
def test_less_than_every_layer_is_refused_where_all_are_required(
    sandbox: Sandbox, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client._Keeper, "report", lambda _: Report(level, "8"))
    assert sandbox.report(required=False).level == level
    with pytest.raises(SettingsError, match="DECODER_SANDBOX is required"):
        sandbox.report(required=True)
