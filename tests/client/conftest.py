"""The program as its users start it, and a stack whose predictor does what the prompt says."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stack.settings import ROOT
from tests.clients.helpers import PREDICTOR, wav
from tests.conftest import RunningStack, start_stack, stop_stack

MAX_FILE_BYTES = 4_000_000


@dataclass(frozen=True)
class Program:
    """`whisperx-stack` with a server, a token and a home of its own."""

    url: str
    token: str
    home: Path
    command: tuple[str, ...] = (sys.executable, "-m", "client")
    path: str = str(ROOT)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(
        self, *arguments: str | Path, given: bytes | None = None, **environ: Any
    ) -> subprocess.CompletedProcess[str]:
        """What it says, and its exit status."""
        ended = subprocess.run(
            [*self.command, *map(os.fsencode, arguments)],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            env=self.environ | environ,
            cwd=self.home,
            timeout=250,  # on a busy machine
        )
        said, messages = (stream.decode() for stream in (ended.stdout, ended.stderr))
        assert "Traceback" not in messages
        assert self.token not in said + messages
        return subprocess.CompletedProcess([], ended.returncode, said, messages)

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """The same without waiting for its end; what it says goes to `messages`."""
        with (self.home / "messages").open("ab") as messages:
            process = subprocess.Popen(
                # Whatever started the tests may have set Ctrl-C to be ignored.
                ["env", "--default-signal=INT", *self.command, *map(os.fsencode, arguments)],
                stdin=subprocess.DEVNULL,
                stderr=messages,
                env=self.environ,
                cwd=self.home,
            )
        self.started.append(process)
        return process

    @property
    def messages(self) -> str:
        return (self.home / "messages").read_text()

    @property
    def environ(self) -> dict[str, str]:
        ours = {
            "WHISPERX_URL": self.url,
            "WHISPERX_TOKEN": self.token,
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHONPATH": self.path,
            "PYTHONUTF8": "1",
        }
        return {**os.environ, **ours}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Real processes, with the timed predictor in place of the one that transcribes."""
    running = start_stack(
        tmp_path_factory.mktemp("client"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        MAX_FILE_BYTES=str(MAX_FILE_BYTES),
    )
    yield running
    stop_stack(running)


@pytest.fixture
def program(stack: RunningStack, tmp_path: Path) -> Iterator[Program]:
    home = tmp_path / "home"
    home.mkdir()
    made = Program(stack.url, stack.token, home)
    yield made
    for process in made.started:
        process.kill()
        process.wait()


_lengths = count(1_600)  # samples


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    """Makes recordings that no other test has sent: each has a length of its own."""

    def make(name: str = "talk.wav", folder: Path = tmp_path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(next(_lengths) / 16_000))
        return path

    return make


def records(stack: RunningStack) -> list[dict[str, Any]]:
    """Every transcription that the server has."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    request = urllib.request.Request(f"{stack.url}/v1/predictions", None, headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        found: list[dict[str, Any]] = json.load(response)["results"]
        return found


def ended(stack: RunningStack) -> int:
    """How many transcriptions have ended since the bridge was started."""
    with urllib.request.urlopen(stack.metrics_url, timeout=20) as response:
        text = response.read().decode()
    counts = re.findall(r"^whisperx_predictions_total\{.*\} ([\d.]+)$", text, re.MULTILINE)
    return round(sum(map(float, counts)))
