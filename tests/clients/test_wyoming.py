"""Home Assistant's protocol: `wyoming-openai`, driven by the `wyoming` client; real, unchanged."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest

from stack.settings import free_port
from tests.clients.beside import Beside
from tests.clients.openai_py.conftest import TEXT
from tests.clients.versions import WYOMING
from tests.conftest import RunningStack, wait_until


def _python() -> str | None:
    """An interpreter that the adapter runs with; programs of that name may be mere signposts."""
    named = [found for name in ("python3.12", "python3.13") if (found := shutil.which(name))]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for found in (*named, *map(str, root.glob("versions/3.1[23].*/bin/python"))):
        if subprocess.run([found, "-V"], capture_output=True).returncode == 0:
            return found
    return None


PYTHON = _python()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYTHON is None, reason="needs Python 3.12 or 3.13"),
]
DRIVER = """
import asyncio, json, os, wave
from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

async def described():
    async with AsyncClient.from_uri(os.environ["ADAPTER"]) as client:
        await client.write_event(Describe().event())
        while not Info.is_type((event := await client.read_event()).type):
            pass
        (program,) = Info.from_event(event).asr
        return [model.name for model in program.models]

async def heard():
    with wave.open(os.environ["RECORDING"]) as file:
        form = {"rate": file.getframerate(), "width": 2, "channels": 1}
        sound = file.readframes(file.getnframes())
    deltas = []
    async with AsyncClient.from_uri(os.environ["ADAPTER"]) as client:
        await client.write_event(Transcribe(language="en").event())
        await client.write_event(AudioStart(**form).event())
        for start in range(0, len(sound), 2048):
            chunk = AudioChunk(audio=sound[start : start + 2048], **form)
            await client.write_event(chunk.event())
        await client.write_event(AudioStop().event())
        while not Transcript.is_type((event := await client.read_event()).type):
            if TranscriptChunk.is_type(event.type):
                deltas.append(TranscriptChunk.from_event(event).text)
    return [Transcript.from_event(event).text, "".join(deltas)]
"""


@pytest.fixture(scope="module")
def wyoming(tmp_path_factory: pytest.TempPathFactory) -> Beside:
    assert PYTHON is not None
    folder = tmp_path_factory.mktemp("wyoming")
    return Beside.install(folder, DRIVER, *WYOMING, python=PYTHON)


@contextmanager
def adapter(stack: RunningStack, wyoming: Beside, folder: Path, *options: str) -> Iterator[str]:
    """The address of the adapter, which asks the stack."""
    port = free_port()
    given = ["--stt-openai-url", f"{stack.url}/v1", "--stt-prompt", "talk", *options]
    command = [
        str(wyoming.python),
        "-m",
        "wyoming_openai",
        "--uri",
        f"tcp://127.0.0.1:{port}",
        *given,
    ]
    environ = {"PATH": os.environ["PATH"], "STT_OPENAI_KEY": stack.token, **wyoming.environ}
    said = folder / "adapter.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=folder)

    def listens() -> bool:
        assert process.poll() is None, said.read_text()
        try:
            create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    try:
        wait_until(listens, "the adapter listens")
        yield f"tcp://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def ask(
    stack: RunningStack, wyoming: Beside, recording: Path, tmp_path: Path
) -> Callable[..., Any]:
    def asked(code: str, *options: str) -> Any:
        with adapter(stack, wyoming, tmp_path, *options) as address:
            return wyoming.run(stack, recording, f"result = asyncio.run({code})", ADAPTER=address)

    return asked


def test_home_assistant_sees_the_models(ask: Callable[..., Any]) -> None:
    assert ask("described()", "--stt-models", "whisper-1", "demo") == ["whisper-1", "demo"]


def test_home_assistant_hears_what_was_said(ask: Callable[..., Any]) -> None:
    assert ask("heard()", "--stt-models", "whisper-1") == [TEXT, ""]


def test_home_assistant_hears_it_bit_by_bit(ask: Callable[..., Any]) -> None:
    streaming = ("--stt-streaming-models", "gpt-4o-transcribe")
    assert ask("heard()", *streaming) == [TEXT, TEXT]
