"""A stack for one fault: its processes within reach, and a receiver of its webhooks."""

import contextlib
import os
import signal
import tempfile
from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks import recordings
from stack.client import Client
from stack.services import services
from stack.settings import StackSettings
from stack.supervisor import Supervisor

PREDICTOR = "tests/fixtures/timed_predictor.py:Predictor"
RUN_LIMIT = 6  # seconds that a run may take before it counts as hung


@dataclass(slots=True)
class Receiver:
    """Takes `completed` webhooks, and remembers what each prediction was said to have come to."""

    address: str = ""
    told: dict[str, set[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(set[tuple[str, str]])
    )
    """By prediction: (webhook id, body). A repeated delivery bears the same of both."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}/"

    async def take(self, request: web.Request) -> web.Response:
        """Accepts a webhook."""
        body = await request.text()
        prediction_id = (await request.json())["id"]
        self.told[prediction_id].add((request.headers["webhook-id"], body))
        return web.Response()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.address = f"127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class House:
    """A running stack, and what a fault needs to reach into it."""

    settings: StackSettings
    supervisor: Supervisor
    session: aiohttp.ClientSession
    client: Client
    uri: str
    receiver: "Receiver"

    def signal(self, service: str, number: signal.Signals) -> None:
        """Signal the process that is ``service`` now."""
        process = self.supervisor.members[service].process
        assert process is not None
        os.kill(process.pid, number)

    def worker(self) -> int:
        """The process id of Cog's worker."""
        process = self.supervisor.members["cog"].process
        assert process is not None
        threads = Path(f"/proc/{process.pid}/task").iterdir()
        children = " ".join((thread / "children").read_text() for thread in threads).split()
        return int(children[0])


@contextlib.asynccontextmanager
async def house(**environ: str) -> AsyncIterator[House]:
    """A stack of its own for one fault."""
    async with receiving() as receiver:
        with tempfile.TemporaryDirectory() as folder:
            async with _stack(folder, receiver, environ) as found:
                yield found


@contextlib.asynccontextmanager
async def _stack(
    folder: str, receiver: "Receiver", environ: Mapping[str, str]
) -> AsyncIterator[House]:
    given = {
        **os.environ,
        "STATE_DIR": folder,
        "COG_PREDICT_TYPE_STUB": PREDICTOR,
        "MODELS": "demo",
        "MAX_RUN_SECONDS": str(RUN_LIMIT),
        "ALLOWED_PRIVATE_HOSTS": receiver.address,
        **environ,
    }
    settings = StackSettings.from_env(given, free_ports=True)
    recording = recordings.write(Path(folder, "second.wav"), 1)
    uri = f"data:audio/wav;base64,{b64encode(recording.read_bytes()).decode()}"
    supervisor = Supervisor(services(settings), Path(folder, "log"), lambda _: None)
    timeout = aiohttp.ClientTimeout(total=10)
    async with supervisor.running(), aiohttp.ClientSession(timeout=timeout) as session:
        await supervisor.ready()
        client = Client(session, settings.url, settings.bridge_token)
        yield House(settings, supervisor, session, client, uri, receiver)
