"""What is to be done, kept in Redis by docket, and the one way to tell a record of an event.

Three dockets. `jobs` gives predictions to Cog, `errands` downloads recordings and minds deadlines,
`deliveries` hands clients their webhooks: a stranger's slow server never holds the GPU's slot, and
receivers that hang never hold up a download. Task arguments are ids; whether there is anything
left to do is asked of the record, never of docket.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import RedisError

from bridge.recordings.files import Files
from bridge.records.prediction import (
    TERMINAL,
    CancelRequested,
    Change,
    Event,
    Prediction,
    webhook_events,
)
from bridge.records.store import Store
from bridge.tasks.webhooks import LOGS_INTERVAL

if TYPE_CHECKING:
    from docket import Docket  # half of the bridge's start; see `app`

ADDS_AT_ONCE = 16
LOOK_SECONDS = 0.5  # how often a waiting request looks for an end that another bridge recorded

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dockets:
    """The three dockets, open."""

    jobs: "Docket"
    errands: "Docket"
    deliveries: "Docket"


class Queue:
    """Adds tasks and records events; working on the tasks is the dispatcher's business.

    Until the dispatcher has opened the dockets, whoever adds a task waits.
    """

    def __init__(self, store: Store, files: Files) -> None:
        self._dockets: Dockets | None = None
        self._opened: Final = asyncio.Event()
        self._adding: Final = asyncio.Semaphore(ADDS_AT_ONCE)
        self._store: Final = store
        self._files: Final = files
        self._ended: dict[str, asyncio.Event] = {}
        self.on_change: Callable[[Change], None] = _tell_log

    @property
    def is_open(self) -> bool:
        """Whether tasks are taken at once."""
        return self._opened.is_set()

    def open(self, dockets: Dockets) -> None:
        """Let the tasks in."""
        self._dockets = dockets
        self._opened.set()

    @contextlib.asynccontextmanager
    async def _adding_to(self) -> AsyncIterator[Dockets]:
        """The dockets, for one addition."""
        await self._opened.wait()
        assert self._dockets is not None
        # Docket's pool of connections fails when it is exhausted, and does not wait.
        async with self._adding:
            yield self._dockets

    async def submit(self, prediction: Prediction) -> None:
        """Queue what comes next for a prediction; queueing it twice does no harm."""
        # Docket takes a key once while its task is queued or under way.
        async with self._adding_to() as dockets:
            if self._files.missing(prediction.recordings):
                await dockets.errands.add("fetch", key=prediction.id)(prediction.id)
            else:
                await dockets.jobs.add("run", key=prediction.id)(prediction.id)

    async def cancel_at(self, prediction: Prediction) -> None:
        """Ask for the prediction's end when its deadline comes."""
        if prediction.deadline is not None:
            key = f"{prediction.id}:deadline"
            async with self._adding_to() as dockets:
                await dockets.errands.add("cancel", when=prediction.deadline, key=key)(
                    prediction.id
                )

    async def notify(self, prediction_id: str, event: str) -> None:
        """Queue the delivery of a client's webhook; `logs` are gathered for a moment."""
        wait = LOGS_INTERVAL if event == "logs" else 0.0
        when = datetime.now(UTC) + timedelta(seconds=wait)
        key = f"{prediction_id}:{event}"
        async with self._adding_to() as dockets:
            await dockets.deliveries.add("deliver", when=when, key=key)(prediction_id, event)

    async def apply(
        self, prediction_id: str, event: Event, output: Any = None
    ) -> Prediction | None:
        """Advance a record, and see to what follows from the change; None for an unknown id."""
        change = await self._store.apply(prediction_id, event, datetime.now(UTC), output)
        if change is None:
            return None
        if change.after.terminal:
            self._files.remove(*(one.name for one in change.after.recordings))
            if prediction_id in self._ended:
                self._ended[prediction_id].set()
        if change.changed:
            self.on_change(change)
            for told in webhook_events(change):
                await self.notify(prediction_id, told)
            if change.after.terminal and "predict_time" in change.after.metrics:
                await self._store.observe_run(float(change.after.metrics["predict_time"]))
        return change.after

    async def cancel(self, prediction_id: str) -> Prediction | None:
        """Ask for a prediction's end; the record then, None for an unknown id."""
        return await self.apply(prediction_id, CancelRequested())

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
                    async with asyncio.timeout(min(left, LOOK_SECONDS)):
                        await ended.wait()
                    break
            return True
        finally:
            self._ended.pop(prediction_id, None)


def _tell_log(change: Change) -> None:
    before, after = change.before.status, change.after.status
    if after is not before:
        _log.info("prediction %s: %s", change.after.id, after.value)


async def insist(call: Callable[[], Awaitable[_T]]) -> _T:
    """The call's result, however long Redis is away: what was done must not be forgotten."""
    pause = 0.05
    while True:
        try:
            return await call()
        except RedisError:
            _log.warning("Redis does not answer; trying again")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
