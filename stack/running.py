"""The stack, running for a benchmark on free ports; nothing of it stays."""

import contextlib
import os
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from evaluation import recordings
from stack.client import Client
from stack.services import services
from stack.settings import StackSettings
from stack.supervisor import Supervisor

NULL_PREDICTOR = "evaluation/predictors/null.py:Predictor"


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that is ready, and a short recording to give it."""

    settings: StackSettings
    supervisor: Supervisor
    session: aiohttp.ClientSession
    client: Client
    folder: Path
    recording: Path

    @property
    def uri(self) -> str:
        """The recording as a data URI."""
        return f"data:audio/wav;base64,{b64encode(self.recording.read_bytes()).decode()}"

    def pid(self, service: str) -> int:
        """The process that is ``service`` now."""
        process = self.supervisor.members[service].process
        assert process is not None
        return process.pid


@contextlib.asynccontextmanager
async def running(
    seconds: float, predictor: str = NULL_PREDICTOR, **environ: str
) -> AsyncIterator[Running]:
    """A stack around ``predictor`` while the block runs; its recording lasts ``seconds``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {
            **os.environ,
            "STATE_DIR": name,
            "COG_PREDICT_TYPE_STUB": predictor,
            "MODELS": "demo",
            **environ,
        }
        settings = StackSettings.from_env(given, alone=True)
        recording = recordings.write(folder / "recording.wav", seconds)
        supervisor = Supervisor(services(settings), folder / "log", lambda _: None)
        async with supervisor.running(), aiohttp.ClientSession() as session:
            await supervisor.ready()
            client = Client(session, settings.url, settings.bridge_token)
            yield Running(settings, supervisor, session, client, folder, recording)
