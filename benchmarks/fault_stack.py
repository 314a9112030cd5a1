"""A stack for one fault: its processes within reach, and a receiver of its webhooks."""

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from evaluation.serving import serving
from stack.client import Client
from stack.running import Running, running

PREDICTOR = "evaluation/predictors/timed.py:Predictor"
RUN_LIMIT = 6  # seconds that a run may take before it counts as hung


@dataclass(slots=True)
class Receiver:
    """Takes `completed` webhooks, and remembers what each prediction was said to have come to."""

    address: str = ""
    received: dict[str, set[tuple[str, str]]] = field(
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
        self.received[prediction_id].add((request.headers["webhook-id"], body))
        return web.Response()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/", receiver.take)
    async with serving(app) as url:
        receiver.address = url.removeprefix("http://")
        yield receiver


@dataclass(frozen=True, slots=True)
class FaultStack:
    """A running stack, and what a fault needs to reach into it."""

    running: Running
    client: Client
    """Gives up after a while, unlike the stack's own: some faults answer nobody."""
    receiver: Receiver

    def signal(self, service: str, number: signal.Signals) -> None:
        """Signal the process that is ``service`` now."""
        os.kill(self.running.pid(service), number)

    def worker(self) -> int:
        """The process id of Cog's worker."""
        threads = Path(f"/proc/{self.running.pid('cog')}/task").iterdir()
        children = " ".join((thread / "children").read_text() for thread in threads).split()
        return int(children[0])


@contextlib.asynccontextmanager
async def fault_stack(**environ: str) -> AsyncIterator[FaultStack]:
    """A stack of its own for one fault."""
    async with receiving() as receiver:
        given = {
            "MAX_RUN_SECONDS": str(RUN_LIMIT),
            "ALLOWED_PRIVATE_HOSTS": receiver.address,
            **environ,
        }
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            running(1, PREDICTOR, **given) as stack,
            aiohttp.ClientSession(timeout=timeout) as session,
        ):
            client = Client(session, stack.settings.url, stack.settings.bridge_token)
            yield FaultStack(stack, client, receiver)
