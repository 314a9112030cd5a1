"""Builds the bridge: the public application and the loopback listener, wired to each other."""

import asyncio
import contextlib
import hashlib
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

import transcription
from bridge.api.access import log_access
from bridge.api.allowances import add_allowance
from bridge.api.auth import require_token
from bridge.api.cors import allow_origins, preflight
from bridge.api.errors import translate
from bridge.api.replicate.render import webhook_body
from bridge.api.slashes import AnySlashes
from bridge.api.waiting import add_id
from bridge.cog.callbacks import build_internal_app
from bridge.cog.client import Cog
from bridge.cog.monitor import Monitor
from bridge.context import CONTEXT, Context
from bridge.intake.accept import Intake
from bridge.intake.forward import Forward
from bridge.links import Links
from bridge.recordings.arrive import Arrivals
from bridge.recordings.cleanup import Cleanup
from bridge.recordings.files import Files
from bridge.recordings.probe import Probe
from bridge.recordings.uploads import Uploads
from bridge.records.api_keys import KeyFile
from bridge.records.changes import Change
from bridge.records.heard import Heard
from bridge.records.idempotency import Idempotency
from bridge.records.key_types import TypedRedis
from bridge.records.limits import Meter
from bridge.records.prediction import EVENTS
from bridge.records.revisions import Revisions
from bridge.records.sealed import Sealed
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.upgrade import Upgrade
from bridge.records.watch import Watch
from bridge.routes import routes
from bridge.settings import Settings
from bridge.tasks.lifecycle import Lifecycle
from bridge.tasks.queue import Queue
from bridge.tasks.tracing import tracing, watch
from bridge.tasks.webhooks import Webhooks

if TYPE_CHECKING:
    from bridge.tasks.worker import Dispatcher

LOOPBACK = "127.0.0.1"
RESTART_PAUSE = 1.0  # seconds before a dispatcher that could not start is started again
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running bridge listens, and how it is drained."""

    public: str
    internal: str
    drain: Callable[[], Awaitable[None]]
    """Finishes what runs and claims no more; the API goes on answering until the block ends."""


def build_app(settings: Settings, context: Context) -> web.Application:
    """The public application over ready-made parts."""
    origins = settings.cors_origins
    access = [log_access] if settings.access_log else []
    app = web.Application(
        middlewares=[watch, preflight(origins), *access, translate, require_token],
        client_max_size=settings.max_json_bytes,
    )
    app[CONTEXT] = context
    app.on_response_prepare.extend((add_id, add_allowance, allow_origins(origins)))
    app.add_routes(routes())
    app.router.register_resource(AnySlashes(app.router))
    return app


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Addresses]:
    """A bridge that serves while the block runs.

    At its end it first stops taking requests, then finishes the predictions it runs (Cog needs
    the loopback listener for that), and only then closes its connections to Redis.
    """
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(tracing(settings.otlp_endpoint))
        redis = await stack.enter_async_context(TypedRedis.at(settings.redis_address))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        cog = Cog(session, settings.cog_url)
        probe = Probe()
        await stack.enter_async_context(probe.ready(required=settings.sandbox_required))
        context = _wire(settings, redis, cog, probe)
        links = context.links
        internal = build_internal_app(
            links,
            context.files,
            context.monitor,
            context.lifecycle.apply,
            context.heard,
            context.store.add_peaks,
        )
        idle = settings.upload_idle_timeout
        port = await _listen(stack, internal, LOOPBACK, settings.internal_port, idle)
        links.base = f"http://{LOOPBACK}:{port}"
        await stack.enter_async_context(context.monitor.watching())
        await stack.enter_async_context(context.watch.listening())
        listening = asyncio.Event()
        dispatching = _dispatching(context, cog, listening)
        drain = await stack.enter_async_context(dispatching)
        app = build_app(settings, context)
        if settings.metrics_port:
            metrics = _metrics(app, context)
            await _listen(stack, metrics, settings.host, settings.metrics_port, idle)
        public = await _listen(stack, app, settings.host, settings.port, idle)
        listening.set()
        yield Addresses(f"http://{settings.host}:{public}", links.base, drain)


def _metrics(app: web.Application, context: Context) -> web.Application:
    """Counts what ``app`` does; the application that shows it."""
    # Not needed by everyone, and a start takes less than a second.
    from bridge.metrics import Metrics, build_metrics_app  # noqa: PLC0415

    metrics = Metrics()
    app.middlewares.insert(0, metrics.watch)
    lifecycle_changed = context.lifecycle.on_change

    def on_change(change: Change) -> None:
        lifecycle_changed(change)
        metrics.saw(change)

    context.lifecycle.on_change, context.webhooks.on_try = on_change, metrics.tried
    context.seals.on_refused = metrics.refused
    return build_metrics_app(metrics, context)


@contextlib.asynccontextmanager
async def _dispatching(
    context: Context, cog: Cog, listening: asyncio.Event
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The queue is worked on while the block runs, from soon after ``listening`` on.

    The block gets what finishes the work before its end.
    """
    stopping, started = asyncio.Event(), asyncio.Event()
    dispatcher: Dispatcher | None = None

    async def drain() -> None:
        context.monitor.draining = True
        if dispatcher is not None:
            await dispatcher.drain()

    async def work() -> None:
        nonlocal dispatcher
        await listening.wait()
        while not stopping.is_set():
            try:
                await context.upgrade.run()
                # In a thread, and only now: docket takes as long to import as all the rest.
                await asyncio.to_thread(importlib.import_module, "bridge.tasks.worker")
                dispatcher = _dispatcher(context, cog)
                async with dispatcher.running():
                    started.set()
                    await stopping.wait()
            except Exception as error:
                _log.warning("the queue opens later: %s", type(error).__name__)
                await asyncio.sleep(RESTART_PAUSE)

    task = asyncio.create_task(work())
    try:
        yield drain
    finally:
        stopping.set()
        if not started.is_set():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _wire(settings: Settings, redis: TypedRedis, cog: Cog, probe: Probe) -> Context:
    """The parts that the routes use."""
    (secret, *retired), owner = settings.webhook_secrets, settings.model_name.partition("/")[0]
    links = Links(secret, owner, retired=retired)
    upgrade = Upgrade(redis, Seals(settings.webhook_secrets), settings.files_dir)
    redis.on_stranger = partial(upgrade.seals.refuse, "type")
    sealed = Sealed(upgrade.seals)
    kept = settings.sound_seconds > 0
    store = Store(redis, sealed, settings.result_ttl, settings.queue_limit, keeps_sound=kept)
    meter = Meter(redis, kept=kept)
    files = Files(settings.files_dir, settings.max_file_bytes, settings.files_quota_bytes)
    uploads = Uploads(settings, redis, sealed, files, meter)
    arrivals = Arrivals(settings, files, uploads, links, probe)
    queue = Queue(files, redis)
    intake = Intake(settings, store, files, arrivals, Idempotency(redis), queue, version(settings))
    return Context(
        settings=settings,
        keys=KeyFile(settings.api_keys_file),
        meter=meter,
        links=links,
        seals=upgrade.seals,
        upgrade=upgrade,
        store=store,
        heard=Heard(redis, sealed),
        revisions=Revisions(redis, sealed, settings.revision_limit),
        watch=Watch(redis, store),
        files=files,
        uploads=uploads,
        arrivals=arrivals,
        probe=probe,
        monitor=Monitor(cog),
        queue=queue,
        lifecycle=Lifecycle(store, files, queue, meter, keep_recordings=kept),
        intake=intake,
        webhooks=Webhooks(settings, store, redis, sealed, partial(webhook_body, links)),
        forward=Forward(intake, arrivals, cog, links),
    )


def _dispatcher(context: Context, cog: Cog) -> "Dispatcher":
    """The workers behind the routes."""
    from bridge.tasks.runs import Runs  # noqa: PLC0415 - see `_dispatching`
    from bridge.tasks.transfers import Transfers  # noqa: PLC0415 - likewise
    from bridge.tasks.worker import Dispatcher  # noqa: PLC0415 - likewise

    settings, store, files = context.settings, context.store, context.files
    # The seed's rule knows two events; without `logs` there is no progress to see.
    events = ("start", "completed") if settings.client_webhooks == "forward" else EVENTS
    runs = Runs(
        store,
        files,
        cog,
        context.links,
        context.lifecycle,
        context.watch,
        settings.max_run_seconds,
        events,
    )
    transfers = Transfers(
        store,
        files,
        context.arrivals,
        context.lifecycle,
        context.queue,
        context.webhooks,
        context.meter,
        context.keys,
    )
    return Dispatcher(
        settings.redis_address,
        context.seals,
        context.queue,
        runs,
        transfers,
        store,
        context.webhooks,
        context.monitor,
        Cleanup(settings, store, context.uploads),
        settings.cog_slots,
        settings.drain_seconds,
    )


def version(settings: Settings) -> str:
    """The operator's version, or a hash of the transcription code and the models' names."""
    if settings.model_version:
        return settings.model_version
    digest = hashlib.sha256(",".join(settings.model_names).encode())
    folder = Path(transcription.__file__).parent
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


async def _listen(
    stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int, idle: float
) -> int:
    """Start serving ``app`` until the stack unwinds; the port (the one chosen for 0).

    A connection on which no request's headers are complete within ``idle`` seconds is closed.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5, keepalive_timeout=idle)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    await site.start()
    chosen: int = runner.addresses[0][1]
    return chosen
