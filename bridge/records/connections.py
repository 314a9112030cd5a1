"""The connections to Redis: bounded in number and in time, and open to cancels.

redis-py bounds a send with `asyncio.wait_for`, which before Python 3.12 loses a cancel that meets
the end of what it waits for (python/cpython#86296). A task of the bridge that was canceled
would go on, and whoever waits for its end wait with it: a slot stood idle for 45 seconds that way.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

CONNECTIONS = 32
POOL_SECONDS = 10.0  # how long to wait for a connection that nobody else uses
ANSWER_SECONDS = 5.0  # how long a send, or its answer, may take


class _Cancellable(AbstractConnection):
    """The same connection with `asyncio.timeout` in place of `asyncio.wait_for`."""

    def __init__(self, *, socket_timeout: float | None = ANSWER_SECONDS, **options: Any) -> None:
        super().__init__(socket_timeout=None, **options)
        self._seconds: Final = socket_timeout

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        async with self._bounded():
            await super().send_packed_command(*args, **options)

    async def read_response(self, *args: Any, **options: Any) -> Any:
        async with self._bounded():
            return await super().read_response(*args, **options)

    @contextlib.asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            raise RedisTimeoutError("Redis does not answer") from None


class _Tcp(_Cancellable, Connection):
    pass


class _Tls(_Cancellable, SSLConnection):
    pass


class _Unix(_Cancellable, UnixDomainSocketConnection):
    pass


_CANCELLABLE: Final[dict[type[AbstractConnection], type[AbstractConnection]]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}


def connection_pool(address: str) -> BlockingConnectionPool:
    """A pool for the Redis at ``address``; ``?socket_timeout=`` there sets the bound of an answer.

    Bounded, and waiting for a free one: hundreds of requests at once need no more connections,
    and more would be slower.
    """
    pool = BlockingConnectionPool.from_url(
        address, max_connections=CONNECTIONS, timeout=POOL_SECONDS
    )
    pool.connection_class = _CANCELLABLE[pool.connection_class]
    return pool


async def until_redis_answers(call: Callable[[], Awaitable[_T]]) -> _T:
    """The call's result, however long Redis is away: what was done must not be forgotten."""
    pause = 0.05
    while True:
        try:
            return await call()
        except RedisError:
            _log.warning("Redis does not answer; trying again")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
