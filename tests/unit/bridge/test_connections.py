"""The bridge's connections to a real Redis."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from bridge.records.connections import connection_pool
from stack.settings import free_port
from tests.fixtures import lone

ROUNDS = 200
MANY = 1000  # more than are asked before the cancel, and not for ever where it is lost


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    with lone.redis(tmp_path, port):
        yield f"redis://127.0.0.1:{port}/0"


async def _ask(redis: Redis) -> None:
    for _ in range(MANY):
        await redis.ping()


async def test_no_cancel_is_lost_in_a_command(address: str) -> None:
    async with aclosing(Redis.from_pool(connection_pool(address))) as redis:
        await redis.ping()
        for turns in range(ROUNDS):
            task = asyncio.create_task(_ask(redis))
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        assert await redis.ping(), "cancelled commands leave no answers for others"


@pytest.mark.timeout(30)
async def test_a_redis_that_does_not_answer_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        pool = connection_pool(f"redis://127.0.0.1:{port}/0?socket_timeout=0.1")
        connection: Any = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's own
        with pytest.raises(RedisTimeoutError):
            await connection.connect()


@pytest.mark.parametrize("address", ["rediss://host:1/0", "unix:///run/redis.sock"])
def test_every_kind_of_address_has_its_connection(address: str) -> None:
    connection: Any = connection_pool(address).make_connection()  # type: ignore[no-untyped-call] # redis-py's own
    assert type(connection).__module__ == "bridge.records.connections"
