"""The durable queue: what has to be done for a prediction, done once, also after a crash.

Two dockets on Redis. `jobs` gives predictions to Cog, as many at once as Cog has slots, and only
while this pod's Cog is ready. `errands` downloads recordings, many at once, so that a stranger's
slow server never holds the GPU's slot. Task arguments are ids; whether there is anything left to
do is asked of the record, never of docket.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from docket import Docket, Worker
from redis.exceptions import RedisError

from bridge.audio import check_audio
from bridge.cog import Cog, Ended, NotAccepted, RunLost
from bridge.files import Files
from bridge.internal import Links
from bridge.monitor import Monitor
from bridge.prediction import TERMINAL, Event, Finished, Prediction, Refused, Stopped
from bridge.settings import Settings
from bridge.store import Store
from outbound.fetch import FetchFailed, Limits, fetch
from transcription.errors import TranscriptionError
from transcription.options import AUDIO_NAMES

MAX_ATTEMPTS = 3  # runs lost with their worker before the recording is blamed
ERRANDS_AT_ONCE = 16
REDELIVERY = timedelta(seconds=15)  # a task whose bridge was silent this long is given to another
POLL = timedelta(milliseconds=10)  # how soon a free slot is noticed; docket's own 250 ms cost 100
CANCEL_POLL_SECONDS = 0.25
LOOK_SECONDS = 0.5  # how often a waiting request looks for an end that another bridge recorded
SWEEP_SECONDS = 60.0

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Dispatcher:
    """Owns the queue of one bridge: adds to it, and works on it while `running`."""

    def __init__(  # noqa: PLR0913, PLR0917 - the wiring of the whole bridge meets here, once
        self,
        settings: Settings,
        store: Store,
        files: Files,
        cog: Cog,
        monitor: Monitor,
        links: Links,
    ) -> None:
        self._settings: Final = settings
        self._store: Final = store
        self._files: Final = files
        self._cog: Final = cog
        self._monitor: Final = monitor
        self._links: Final = links
        self._ended: dict[str, asyncio.Event] = {}
        self._stopping = False
        self._jobs = Docket(name="jobs", url=settings.redis_url)
        self._errands = Docket(name="errands", url=settings.redis_url)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works on the queue while the block runs; at its end finishes what has begun."""
        async with self._jobs, self._errands:
            self._jobs.register(self._run, names=["run"])
            self._errands.register(self._fetch, names=["fetch"])
            tasks = [
                asyncio.create_task(self._work_while_ready(), name="jobs"),
                asyncio.create_task(
                    _work(self._errands, concurrency=ERRANDS_AT_ONCE), name="errands"
                ),
                asyncio.create_task(self._sweep(), name="sweep"),
            ]
            try:
                yield
            finally:
                self._stopping = True
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def submit(self, prediction: Prediction) -> None:
        """Queue what comes next for a prediction; queueing it twice does no harm."""
        if prediction.source is not None and not self._files.path(prediction.id).exists():
            await self._errands.add("fetch", key=prediction.id)(prediction.id)
            return
        # Docket takes a key once while its task is queued or under way.
        await self._jobs.add("run", key=prediction.id)(prediction.id)

    async def apply(
        self, prediction_id: str, event: Event, output: Any = None
    ) -> Prediction | None:
        """Advance a record, and tidy up after a prediction that has ended."""
        after = await self._store.apply(prediction_id, event, datetime.now(UTC), output)
        if after is None or after.terminal:
            self._files.remove(prediction_id)
            if prediction_id in self._ended:
                self._ended[prediction_id].set()
        return after

    async def wait_until_ended(self, prediction_id: str, seconds: float) -> bool:
        """Whether the prediction ended within ``seconds``.

        Ends that this bridge records are noticed at once, those of other bridges by looking.
        """
        ended = self._ended.setdefault(prediction_id, asyncio.Event())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            while await self._store.status(prediction_id) not in TERMINAL:
                left = deadline - loop.time()
                if left <= 0:
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), min(left, LOOK_SECONDS))
            return True
        finally:
            self._ended.pop(prediction_id, None)

    async def _work_while_ready(self) -> None:
        """Claims jobs only while Cog can run them, so that another pod's Cog gets them."""
        while True:
            await self._monitor.wait(ready=True)
            worker = asyncio.create_task(_work(self._jobs, concurrency=self._settings.cog_slots))
            try:
                await self._monitor.wait(ready=False)
            finally:
                worker.cancel()  # docket then finishes what it has begun
                await asyncio.gather(worker, return_exceptions=True)

    async def _sweep(self) -> None:
        """Queues again what is unfinished and, by some accident, not queued."""
        while True:
            with contextlib.suppress(RedisError):
                for prediction_id in await self._store.unfinished():
                    prediction = await self._store.get(prediction_id)
                    if prediction is None:
                        await self._store.forget_unfinished(prediction_id)
                    elif datetime.now(UTC) - prediction.created_at > REDELIVERY:
                        await self.submit(prediction)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _fetch(self, prediction_id: str) -> None:
        """Task: have the recording here before its turn comes."""
        prediction = await self._store.get(prediction_id)
        if prediction is None or prediction.terminal or prediction.source is None:
            return
        path = self._files.path(prediction_id)
        arriving = path.with_name(f"{path.name}.part")
        try:
            error = await self._download(prediction.source, arriving)
            if error is None:
                arriving.rename(path)
        finally:
            arriving.unlink(missing_ok=True)
        if error is not None:
            await _insist(lambda: self.apply(prediction_id, Refused(error)))
            return
        current = await _insist(lambda: self._store.get(prediction_id))
        if current is None or current.terminal:
            self._files.remove(prediction_id)
        else:
            await _insist(lambda: self.submit(current))

    async def _download(self, source: str, target: Path) -> str | None:
        """Fetch and check a recording; the reason if it cannot be used."""
        settings = self._settings
        limits = Limits(settings.max_file_bytes, settings.fetch_timeout)
        try:
            await fetch(source, target, policy=settings.policy, limits=limits)
            await check_audio(target, settings.max_audio_seconds)
        except FetchFailed as failure:
            return f"audio_file: could not be downloaded: {failure}"
        except TranscriptionError as failure:
            return failure.detail
        return None

    async def _run(self, prediction_id: str) -> None:
        """Task: give a prediction to Cog, again if its worker is lost, until it has ended."""
        prediction = await _insist(lambda: self._store.get(prediction_id))
        while prediction is not None and not prediction.terminal:
            attempt = prediction.attempt + 1
            try:
                event, output = await self._attempt(prediction, attempt)
            except Exception:
                _log.exception("prediction %s: unexpected error", prediction_id)
                event, output = Refused("The service met an unexpected error."), None
            prediction = await self._record(prediction_id, event, output)
            if prediction is not None and not prediction.terminal:
                _log.warning("prediction %s: run %s was lost", prediction_id, attempt)
        self._files.remove(prediction_id)

    async def _record(self, prediction_id: str, event: Event, output: Any) -> Prediction | None:
        return await _insist(lambda: self.apply(prediction_id, event, output))

    async def _attempt(self, prediction: Prediction, attempt: int) -> tuple[Event, Any]:
        """One run: how it ended, and its output."""
        if attempt > MAX_ATTEMPTS:
            error = f"The worker was lost {MAX_ATTEMPTS} times while it ran this prediction."
            return Refused(error), None
        watch = asyncio.create_task(
            self._cancel_on_request(prediction.id, f"{prediction.id}-{attempt}")
        )
        try:
            ended = await self._accepted_run(prediction, attempt)
        except RunLost:
            return Stopped(attempt), None
        except TimeoutError:
            seconds = self._settings.max_run_seconds
            error = f"It ran longer than {seconds} seconds and was stopped."
            return Finished(attempt, "", {}, error), None
        finally:
            watch.cancel()
        if ended is None or ended.status == "canceled":
            return Stopped(attempt, ended.logs if ended else ""), None
        return Finished(attempt, ended.logs, ended.metrics, ended.error), ended.output

    async def _accepted_run(self, prediction: Prediction, attempt: int) -> Ended | None:
        """Offers the run to Cog until it is taken; None when its end is asked for meanwhile."""
        secrets = await _insist(lambda: self._store.secrets(prediction.id))
        inputs = self._inputs(prediction, secrets)
        run_id, webhook = f"{prediction.id}-{attempt}", self._links.webhook(prediction.id, attempt)
        while True:
            try:
                return await self._cog.run(run_id, inputs, webhook, self._settings.max_run_seconds)
            except NotAccepted:
                if self._stopping:
                    # Docket leaves the task of a run that ends like this to the next bridge.
                    raise asyncio.CancelledError from None
                await asyncio.sleep(CANCEL_POLL_SECONDS)
                if await _insist(lambda: self._store.is_canceled(prediction.id)):
                    return None

    def _inputs(self, prediction: Prediction, secrets: Mapping[str, str]) -> dict[str, Any]:
        """What Cog gets: the client's options, its secrets, and a loopback URL as recording."""
        options = {
            name: value for name, value in prediction.input.items() if name not in AUDIO_NAMES
        }
        return {**options, **secrets, "audio_file": self._links.audio(prediction.id)}

    async def _cancel_on_request(self, prediction_id: str, run_id: str) -> None:
        """Any bridge may have been asked; the record tells all of them."""
        while True:
            await asyncio.sleep(CANCEL_POLL_SECONDS)
            if await _insist(lambda: self._store.is_canceled(prediction_id)):
                await self._cog.cancel(run_id)


async def _work(docket: Docket, *, concurrency: int) -> None:
    async with Worker(
        docket,
        concurrency=concurrency,
        redelivery_timeout=REDELIVERY,
        reconnection_delay=timedelta(seconds=1),
        minimum_check_interval=POLL,
    ) as worker:
        await worker.run_forever()


async def _insist(call: Callable[[], Awaitable[_T]]) -> _T:
    """The call's result, however long Redis is away: what was done must not be forgotten."""
    pause = 0.05
    while True:
        try:
            return await call()
        except RedisError:
            _log.warning("Redis does not answer; trying again")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
