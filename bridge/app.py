"""Builds the bridge: the public application and the loopback listener, wired to each other."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

import transcription
from bridge import health
from bridge.api import replicate
from bridge.auth import SETTINGS, require_token
from bridge.cog import Cog
from bridge.context import CONTEXT, Context
from bridge.dispatch import Dispatcher
from bridge.errors import translate
from bridge.files import Files
from bridge.intake import Intake
from bridge.internal import Links, build_internal_app
from bridge.monitor import Monitor
from bridge.settings import Settings
from bridge.store import Store
from bridge.validation import Inputs

PREFIXES = ("", "/v1", "/v1/v1")  # the official clients disagree about what the base URL ends in
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running bridge listens."""

    public: str
    internal: str


def routes() -> list[web.RouteDef]:
    """Every public route."""
    found = [web.get("/health", health.health), web.get("/health-check", health.readiness)]
    for prefix in PREFIXES:
        found += [
            web.post(f"{prefix}/predictions", replicate.create),
            web.get(f"{prefix}/predictions/{{id}}", replicate.get),
            web.post(f"{prefix}/predictions/{{id}}/cancel", replicate.cancel),
        ]
    return found


def build_app(settings: Settings, context: Context) -> web.Application:
    """The public application over ready-made parts."""
    app = web.Application(
        middlewares=[translate, require_token], client_max_size=settings.max_json_bytes
    )
    app[SETTINGS] = settings
    app[CONTEXT] = context
    app.add_routes(routes())
    return app


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Addresses]:
    """A bridge that serves while the block runs.

    At its end it first stops taking requests, then finishes the predictions it runs (Cog needs
    the loopback listener for that), and only then lets go of Redis.
    """
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        store = Store(redis, settings.result_ttl, settings.queue_limit)
        files = Files(settings.files_dir, settings.max_file_bytes)
        cog, links = Cog(session, settings.cog_url), Links(settings.webhook_secret)
        monitor = Monitor(cog)
        dispatcher = Dispatcher(settings, store, files, cog, monitor, links)
        internal = build_internal_app(links, files, monitor, dispatcher.apply)
        port = await _listen(stack, internal, LOOPBACK, settings.internal_port)
        links.base = f"http://{LOOPBACK}:{port}"
        await stack.enter_async_context(monitor.watching())
        await stack.enter_async_context(dispatcher.running())
        inputs = Inputs(settings.model_names)
        intake = Intake(settings, store, files, inputs, dispatcher)
        context = Context(
            settings, store, files, inputs, monitor, dispatcher, intake, version(settings)
        )
        public = await _listen(stack, build_app(settings, context), settings.host, settings.port)
        yield Addresses(f"http://{settings.host}:{public}", links.base)


def version(settings: Settings) -> str:
    """The operator's version, or a hash of the transcription code and the models' names."""
    if settings.model_version:
        return settings.model_version
    digest = hashlib.sha256(settings.models.encode())
    folder = Path(transcription.__file__).parent
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


async def _listen(
    stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int
) -> int:
    """Start serving ``app`` until the stack unwinds; the port (the one chosen for 0)."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    await site.start()
    chosen: int = runner.addresses[0][1]
    return chosen
