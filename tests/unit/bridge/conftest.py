"""A real Redis of a module's own, empty before each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from bridge.records.connections import connection_pool
from stack.settings import free_port
from tests.fixtures import lone


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with lone.redis(tmp_path_factory.mktemp("redis"), port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def redis(address: str) -> AsyncIterator[Redis]:
    async with aclosing(Redis.from_pool(connection_pool(address))) as client:
        await client.flushall()
        yield client
