"""Works on the queue: the workers of its dockets, and a sweep for what was forgotten.

Jobs are claimed only while this pod's Cog is ready, as many at once as it has slots.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from redis.exceptions import RedisError

from bridge.cog.monitor import Monitor
from bridge.recordings.cleanup import Cleanup
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.tasks.codec import Docket, Worker
from bridge.tasks.queue import Dockets, Queue
from bridge.tasks.runs import Runs
from bridge.tasks.transfers import Transfers
from bridge.tasks.turns import ANNOUNCE_SECONDS, Line
from bridge.tasks.webhooks import Webhooks

TRANSFERS_AT_ONCE = 16
DELIVERIES_AT_ONCE = 128  # receivers and tenants are limited one by one, see webhooks
REDELIVERY = timedelta(seconds=15)  # a task whose bridge was silent this long is given to another
# How soon a free slot is noticed: with docket's own 250 ms, Cog stood idle for 100 between jobs.
RUNS_POLL = timedelta(milliseconds=10)
TRANSFERS_POLL = timedelta(milliseconds=100)  # of many slots some are nearly always free
REDIS_SECONDS = 1.0  # before a Redis that was away is asked again
SWEEP_SECONDS = 60.0
SWEEP_PAUSE = 2.0  # between two sweeps at least, however many tasks are refused
LAST_WEBHOOKS_SECONDS = 20.0  # how long a stopping bridge still delivers webhooks

_log = logging.getLogger(__name__)


class Dispatcher:
    """The workers of one bridge."""

    def __init__(  # noqa: PLR0913, PLR0917 - the wiring of the queue meets here, once
        self,
        redis_url: str,
        seals: Seals,
        queue: Queue,
        runs: Runs,
        transfers: Transfers,
        store: Store,
        webhooks: Webhooks,
        monitor: Monitor,
        cleanup: Cleanup,
        slots: int,
        drain_seconds: float,
    ) -> None:
        self._redis_url: Final = redis_url
        self._seals: Final = seals
        self._queue: Final = queue
        self._runs: Final = runs
        self._transfers: Final = transfers
        self._store: Final = store
        self._webhooks: Final = webhooks
        self._monitor: Final = monitor
        self._cleanup: Final = cleanup
        self._slots: Final = slots
        self._drain_seconds: Final = drain_seconds
        self._claiming: asyncio.Task[None] | None = None
        self._missing: Final = asyncio.Event()
        self._late: Final = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works on the queue while the block runs; at its end finishes what has begun."""
        async with (
            self._docket("jobs") as jobs,
            self._docket("errands") as errands,
            self._docket("deliveries") as deliveries,
        ):
            jobs.register(self._run, names=["run"])
            errands.register(self._transfers.fetch, names=["fetch"])
            errands.register(self._transfers.cancel, names=["cancel"])
            deliveries.register(self._transfers.deliver, names=["deliver"])
            self._queue.open(Dockets(jobs, errands, deliveries))
            async with (
                _working(errands, TRANSFERS_AT_ONCE, TRANSFERS_POLL, self._late),
                self._offering(self._queue.fetches, TRANSFERS_AT_ONCE),
                _working(deliveries, DELIVERIES_AT_ONCE, TRANSFERS_POLL),
                _background(self._sweep()),
                _background(self._work_while_ready(jobs)) as self._claiming,
            ):
                try:
                    yield
                finally:
                    self._runs.stopping = True

    def _docket(self, name: str) -> Docket:
        return Docket(name, self._redis_url, self._seals, on_refused=self._missing.set)

    async def drain(self) -> None:
        """Claim no more tasks, finish what runs, and try its webhooks once.

        What still runs after DRAIN_SECONDS is handed on to the next bridge.
        """
        self._monitor.draining = self._runs.stopping = True
        asyncio.get_running_loop().call_later(self._drain_seconds, self._late.set)
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.gather(self._claiming, return_exceptions=True)
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(LAST_WEBHOOKS_SECONDS):
                while not await self._webhooks.all_tried():  # noqa: ASYNC110 - Redis knows, no event of ours
                    await asyncio.sleep(TRANSFERS_POLL.total_seconds())

    async def _run(self, prediction_id: str) -> None:
        """Task: as `Runs.run`; then it is another one's turn."""
        await self._runs.run(prediction_id)
        self._queue.runs.leave(prediction_id)

    async def _work_while_ready(self, jobs: Docket) -> None:
        """Take tasks of `jobs` only while Cog can run them, so that another pod's Cog gets them."""
        while True:
            await self._monitor.wait(ready=True)
            async with (
                _working(jobs, self._slots, RUNS_POLL, self._late),
                self._offering(self._queue.runs, self._slots),
            ):
                await self._monitor.wait(ready=False)

    @contextlib.asynccontextmanager
    async def _offering(self, line: Line, slots: int) -> AsyncIterator[None]:
        """Tells the other bridges of the slots here while the block runs, and fills them."""
        bridge, loop = uuid4().hex, asyncio.get_running_loop()

        async def fill() -> None:
            due = loop.time()
            while True:
                line.changed.clear()
                try:
                    if loop.time() >= due:
                        await line.announce(bridge, slots)
                        due = loop.time() + ANNOUNCE_SECONDS
                    await self._queue.go_on(line)
                except RedisError:
                    _log.warning("Redis does not answer; filling the slots later")
                    due = loop.time() + REDIS_SECONDS
                except Exception:
                    _log.exception("the slots cannot be filled now")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await line.changed.wait()

        try:
            async with _background(fill()):
                yield
        finally:
            with contextlib.suppress(RedisError):
                await line.withdraw(bridge, slots)

    async def _sweep(self) -> None:
        """Queues again what is unfinished and, by some accident, not queued.

        Soon after a task was refused as well: the release before may have queued it.
        """
        while True:
            self._missing.clear()
            try:
                for prediction_id in await self._store.unfinished():
                    await self._requeue(prediction_id)
                for line in (self._queue.runs, self._queue.fetches):
                    await self._free_places(line)
                await self._cleanup.tidy()
                for prediction_id, event in await self._webhooks.pending():
                    await self._queue.notify(prediction_id, event)
            except RedisError:
                _log.warning("Redis does not answer; sweeping later")
            except Exception:
                _log.exception("sweeping later")
            await asyncio.sleep(SWEEP_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._missing.wait()

    async def _free_places(self, line: Line) -> None:
        """Make room where what was admitted is no prediction of ours."""
        for prediction_id in await line.admitted():
            if await self._store.get(prediction_id) is None:
                line.leave(prediction_id)

    async def _requeue(self, prediction_id: Key) -> None:
        prediction = await self._store.get(prediction_id)
        if prediction is None:
            await self._store.forget_unfinished(prediction_id)
        elif datetime.now(UTC) - prediction.created_at > REDELIVERY:
            await self._queue.submit(prediction)


@contextlib.asynccontextmanager
async def _working(
    docket: Docket, concurrency: int, poll: timedelta, late: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """Works on a docket while the block runs; at its end finishes what has begun until ``late``."""
    worker = Worker(
        docket,
        concurrency=concurrency,
        redelivery_timeout=REDELIVERY,
        reconnection_delay=timedelta(seconds=1),
        minimum_check_interval=poll,
    )
    async with _background(_hand_on(worker, late)):
        async with worker:
            # Left to the worker's own end: a cancel that meets it while it starts would be
            # swallowed, and it would never end. Its start undoes an earlier end, so it goes first.
            task = asyncio.create_task(worker.run_forever(), name=f"{docket.name} worker")
            await asyncio.sleep(0)
            yield
        await task


async def _hand_on(worker: Worker, late: asyncio.Event | None) -> None:
    if late is not None:
        await late.wait()
        worker.hand_on()


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs ``work`` beside the block, and cancels it at the block's end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
