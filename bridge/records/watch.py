"""Notices that a prediction changed, also in another bridge.

The scripts that write a record or its segments publish the prediction's id in the same step
(`keys.CHANGES`). Publishing is best effort: Redis forgets what nobody heard, and a connection may
be lost. So whoever waits looks at the record again after ``LOOK_SECONDS`` at the latest.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from bridge.records import keys
from bridge.records.prediction import TERMINAL
from bridge.records.store import Store
from bridge.records.tenants import Key

LOOK_SECONDS = 1.0
MESSAGE_SECONDS = 2.0  # how long one read waits for a message; less than a connection's bound
RECONNECT_SECONDS = 1.0


class Changes:
    """The changes of one prediction since this object was made."""

    def __init__(self) -> None:
        self._happened: Final = asyncio.Event()

    def notify(self) -> None:
        """Wake who waits now, or the next who does."""
        self._happened.set()

    async def next(self, seconds: float = LOOK_SECONDS) -> None:
        """Returns when something changed since the last call, or after ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LOOK_SECONDS)):
                await self._happened.wait()
        self._happened.clear()


class Watch:
    """Wakes those who wait for a prediction to change."""

    def __init__(self, redis: "Redis", store: Store) -> None:
        self._redis: Final = redis
        self._store: Final = store
        self._waiting: Final[dict[str, set[Changes]]] = {}

    @contextlib.contextmanager
    def changes(self, prediction_id: Key) -> Iterator[Changes]:
        """Notices changes of a prediction from now on, while the block runs."""
        changes = Changes()
        waiting = self._waiting.setdefault(prediction_id, set())
        waiting.add(changes)
        try:
            yield changes
        finally:
            waiting.discard(changes)
            if not waiting:
                self._waiting.pop(prediction_id, None)

    async def ended(self, prediction_id: Key, seconds: float) -> bool:
        """Whether the prediction ended within ``seconds``. Raises RedisError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with self.changes(prediction_id) as changes:
            while await self._store.status(prediction_id) not in TERMINAL:
                left = deadline - loop.time()
                if left <= 0:
                    return False
                await changes.next(left)
        return True

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hears what every bridge on this Redis publishes, while the block runs."""
        task = asyncio.create_task(self._listen(), name="watch")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(keys.CHANGES)
                    await self._pass_on(channel)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _pass_on(self, channel: PubSub) -> None:
        while True:
            message = await channel.get_message(timeout=MESSAGE_SECONDS)
            if message is not None:
                self._notify(Key(keys.text(message["data"])))

    def _notify(self, prediction_id: Key) -> None:
        for changes in self._waiting.get(prediction_id, ()):
            changes.notify()
