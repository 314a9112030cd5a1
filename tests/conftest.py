"""Shared by all tiers: the whole stack as real processes, and waiting on conditions."""

import base64
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from stack.settings import ROOT, free_port

# Before anything imports torch: threads that wait must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A busy machine makes an example slow, not wrong.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

START_SECONDS = 90.0
RECORDING = ROOT / "examples" / "conversation.wav"
# Who speaks in it, and where nobody else does, in seconds. Maria is greeted, so Peter begins.
VOICES = {"Peter": (34.8, 38.8), "Maria": (39.95, 42.8)}


def clip(name: str) -> bytes:
    """How that speaker of the recording sounds, as a WAV file."""
    start, end = VOICES[name]
    file = io.BytesIO()
    with wave.open(str(RECORDING)) as source, wave.open(file, "wb") as target:
        rate = source.getframerate()
        source.setpos(int(start * rate))
        target.setparams(source.getparams())
        target.writeframes(source.readframes(int((end - start) * rate)))
    return file.getvalue()


def clip_uri(name: str) -> str:
    """The same as a data URI."""
    return f"data:audio/wav;base64,{base64.b64encode(clip(name)).decode()}"


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = 30.0, pause: float = 0.05
) -> None:
    """Returns as soon as ``condition()`` is true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(pause)
    pytest.fail(f"not within {seconds:g} s: {what}")


@dataclass
class RunningStack:
    """`make up`, running."""

    url: str
    cog_url: str
    token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    state_dir: Path
    process: subprocess.Popen[bytes]
    metrics_url: str

    def pid(self, service: str) -> int:
        """The process that currently is ``service``."""
        return int((self.state_dir / "log" / f"{service}.pid").read_text())

    def log(self, service: str) -> str:
        """What ``service`` has written so far."""
        return (self.state_dir / "log" / f"{service}.log").read_text(errors="replace")

    def healthy(self) -> bool:
        """Whether the bridge would run a prediction now."""
        try:
            with urllib.request.urlopen(f"{self.url}/health-check", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, HTTPException):
            return False

    def cancel_all(self) -> None:
        """Frees the slot and the queue of what was left there."""
        for prediction in self._call("GET", "/v1/predictions")["results"]:
            if prediction["completed_at"] is None:
                self._call("POST", f"/v1/predictions/{prediction['id']}/cancel")

    def _call(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, None, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)


def start_stack(state_dir: Path, **environ: str) -> RunningStack:
    """Start `python -m stack` on free ports and wait until it says that it is ready."""
    names = ("BRIDGE_PORT", "COG_PORT", "METRICS_PORT")
    ports = {name: environ.get(name) or str(free_port()) for name in names}
    token, secret = "a-token-for-tests", "a-secret-for-tests"
    output = state_dir / "stack.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "stack"],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "STATE_DIR": str(state_dir),
                "BRIDGE_TOKEN": token,
                "WEBHOOK_SECRET": secret,
                "MODELS": "demo",
                "COG_SLOTS": "1",  # most tests look at what waits
                "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
                **ports,
                **environ,
            },
        )
    stack = RunningStack(
        f"http://127.0.0.1:{ports['BRIDGE_PORT']}",
        f"http://127.0.0.1:{ports['COG_PORT']}",
        token,
        secret,
        state_dir,
        process,
        f"http://127.0.0.1:{ports['METRICS_PORT']}/metrics",
    )
    try:
        wait_until(
            lambda: process.poll() is not None or "ready:" in output.read_text(),
            "the stack is ready",
            START_SECONDS,
        )
        assert process.poll() is None, output.read_text()
    except BaseException:
        if process.poll() is None:
            stop_stack(stack)  # it would go on for ever
        raise
    return stack


def stop_stack(stack: RunningStack) -> int:
    """SIGTERM, and the exit status."""
    stack.process.terminate()
    try:
        return stack.process.wait(60)
    except subprocess.TimeoutExpired:
        stack.process.kill()
        raise


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(autouse=True)
def _handed_on_whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails halfway must not fail those that use the same stack after it."""
    shared = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if shared is not None and request.node.stash.get(_FAILED, False):
        wait_until(shared.healthy, "the stack has recovered from the test that failed", 90)
        shared.cancel_all()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack on the demo models for all tests that do no harm to it."""
    running = start_stack(tmp_path_factory.mktemp("stack"))
    yield running
    stop_stack(running)
