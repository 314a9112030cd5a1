"""The tasks, kept in Redis by docket.

Three dockets: `jobs` gives predictions to Cog, `errands` downloads recordings and enforces
deadlines, `deliveries` sends clients their webhooks. So a slow web server never holds the GPU's
slot, and a receiver that hangs never delays a download. The first two hold as many tasks as there
are slots; the rest waits for its turn (`turns`). Arguments of tasks are ids, and sealed (`codec`).
The record says whether there is anything left to do, never docket.
"""

import asyncio
import contextlib
import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from bridge.recordings.files import Files
from bridge.records.prediction import Prediction
from bridge.records.tenants import Key
from bridge.tasks.turns import Line
from bridge.tasks.webhooks import LOGS_INTERVAL
from transcription.environment import SettingsError

if TYPE_CHECKING:
    from bridge.tasks.codec import Docket  # half of the bridge's start; see `app`

DOCKET = ("pydocket", "0.27.0")  # the one version whose inside `codec` knows
ADDS_AT_ONCE = 16
FETCHES_OF_ONE = 0.75  # of the downloads at once: servers that hang delay no other tenant's


def check_docket() -> None:
    """Raises SettingsError where another version of docket is installed."""
    name, wanted = DOCKET
    found = importlib.metadata.version(name)
    if found != wanted:
        raise SettingsError(f"{name} {wanted} is needed, {found} is installed")


@dataclass(frozen=True, slots=True)
class Dockets:
    """The three dockets, open."""

    jobs: "Docket"
    errands: "Docket"
    deliveries: "Docket"


class Queue:
    """Adds tasks; the dispatcher works on them.

    Until the dispatcher has opened the dockets, whoever adds a task waits.
    """

    def __init__(self, files: Files, redis: "Redis") -> None:
        self.runs: Final = Line(redis, "run")
        self.fetches: Final = Line(redis, "fetch", FETCHES_OF_ONE)
        self._dockets: Dockets | None = None
        self._opened: Final = asyncio.Event()
        self._adding: Final = asyncio.Semaphore(ADDS_AT_ONCE)
        self._files: Final = files

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
        """Queue a prediction's next step and its deadline; queueing it twice does no harm."""
        missing = self._files.missing(prediction.recordings)
        line = self.fetches if missing else self.runs
        async with self._adding_to() as dockets:
            await self._hand_over(dockets, line, await line.join(prediction))
            if prediction.deadline is not None:
                key, end = str(prediction.id), prediction.deadline
                await dockets.errands.add("cancel", when=end, key=f"{key}:deadline")(key)

    async def go_on(self, line: Line) -> None:
        """Queue those whose turn has come."""
        async with self._adding_to() as dockets:
            await self._hand_over(dockets, line, await line.go_on())

    async def _hand_over(self, dockets: Dockets, line: Line, admitted: Sequence[Key]) -> None:
        docket, task = (dockets.jobs, "run") if line is self.runs else (dockets.errands, "fetch")
        # Docket takes a key once while its task is queued or under way; what it keeps is text.
        for key in map(str, admitted):
            await docket.add(task, key=key)(key)

    async def notify(self, prediction_id: Key, event: str) -> None:
        """Queue the delivery of a client's webhook; `logs` are gathered for a moment."""
        wait = LOGS_INTERVAL if event == "logs" else 0.0
        when = datetime.now(UTC) + timedelta(seconds=wait)
        key = f"{prediction_id}:{event}"
        async with self._adding_to() as dockets:
            await dockets.deliveries.add("deliver", when=when, key=key)(str(prediction_id), event)
