"""The first process of Cog's container: it waits for the bridge, within bounds, and reaps."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from predictor.health import CogState, Health
from predictor.probe import answer, main
from stack.settings import ROOT, free_port
from tests.conftest import wait_until

SLEEPER = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


@pytest.fixture
def bridge() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def entry(url: str, seconds: float, *command: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "BRIDGE_INTERNAL_URL": url, "DRAIN_SECONDS": str(seconds)}
    return subprocess.Popen(
        [sys.executable, "-m", "predictor.entry", *command], cwd=ROOT, env=environ
    )


def started(url: str, seconds: float, folder: Path) -> subprocess.Popen[bytes]:
    process = entry(url, seconds, sys.executable, "-c", SLEEPER, str(folder / "there"))
    wait_until((folder / "there").exists, "the program runs")
    return process


def test_the_program_is_stopped_when_the_bridge_is_gone_and_not_before(
    bridge: socket.socket, tmp_path: Path
) -> None:
    process = started(f"http://127.0.0.1:{bridge.getsockname()[1]}", 60, tmp_path)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.7)
    bridge.close()
    assert process.wait(30) == 128 + signal.SIGTERM


def test_it_does_not_wait_longer_than_it_may(bridge: socket.socket, tmp_path: Path) -> None:
    process = started(f"http://127.0.0.1:{bridge.getsockname()[1]}", 0.5, tmp_path)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert time.monotonic() - began > 0.4


def test_without_a_bridge_it_stops_at_once(tmp_path: Path) -> None:
    process = started(f"http://127.0.0.1:{free_port()}", 60, tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM


def test_its_exit_status_is_the_programs() -> None:
    assert entry("", 1, sys.executable, "-c", "raise SystemExit(7)").wait(10) == 7


def test_a_probe_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["healthy"], {}) == 2
    assert "started, ready, alive" in capsys.readouterr().err


@pytest.mark.parametrize("question", ["started", "ready", "alive"])
def test_a_cog_that_does_not_answer_is_neither(question: str) -> None:
    assert main([question], {"PORT": str(free_port())}) == 1


def test_a_model_that_loads_is_alive_and_not_ready() -> None:
    loading = Health(CogState.STARTING)
    assert [answer(q, loading) for q in ("started", "ready", "alive")] == [False, False, True]
