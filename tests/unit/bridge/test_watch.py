"""Changes are noticed in every bridge, at once where Redis tells of them and soon where not."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from bridge.records.connections import connection_pool
from bridge.records.heard import Heard, News
from bridge.records.prediction import CancelRequested, Prediction
from bridge.records.sealed import Sealed
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.records.watch import LOOK_SECONDS, Watch
from tests.unit.bridge.test_render import prediction

SEALED = Sealed(Seals(["a secret"]))
AT_ONCE = LOOK_SECONDS / 2


@pytest.fixture
async def record(redis: Redis) -> Prediction:
    made = prediction(input={})
    await store(redis).create(made, {})
    return made


def store(redis: Redis) -> Store:
    return Store(redis, SEALED, result_ttl=60, queue_limit=10)


async def another_bridge_cancels(address: str, prediction_id: Key) -> None:
    async with aclosing(Redis.from_pool(connection_pool(address))) as other:
        await store(other).apply(prediction_id, CancelRequested(), datetime.now(UTC))


async def subscribed(redis: Redis) -> None:
    while (
        not await redis.pubsub_numsub("predictions:changed")
        or not ((await redis.pubsub_numsub("predictions:changed"))[0][1])
    ):
        await asyncio.sleep(0.01)


async def test_what_another_bridge_wrote_is_noticed_at_once(
    redis: Redis, address: str, record: Prediction
) -> None:
    watch, loop = Watch(redis, store(redis)), asyncio.get_running_loop()
    async with watch.listening():
        await subscribed(redis)
        with watch.changes(record.id) as changes:
            began = loop.time()
            await another_bridge_cancels(address, record.id)
            await changes.next()
            assert loop.time() - began < AT_ONCE


async def test_segments_are_changes(redis: Redis, record: Prediction) -> None:
    watch, loop = Watch(redis, store(redis)), asyncio.get_running_loop()
    async with watch.listening():
        await subscribed(redis)
        with watch.changes(record.id) as changes:
            began = loop.time()
            await Heard(redis, SEALED).add(record.id, 1, News(0, [{"text": "one"}]))
            await changes.next()
            assert loop.time() - began < AT_ONCE
        assert await Heard(redis, SEALED).segments(record.id, 0) == [{"text": "one"}]


async def test_a_change_between_two_looks_is_not_lost(
    redis: Redis, address: str, record: Prediction
) -> None:
    watch, loop = Watch(redis, store(redis)), asyncio.get_running_loop()
    async with watch.listening():
        await subscribed(redis)
        with watch.changes(record.id) as changes:
            await another_bridge_cancels(address, record.id)
            await asyncio.sleep(0.1)  # the message arrives while nobody waits
            began = loop.time()
            await changes.next()
            assert loop.time() - began < AT_ONCE


async def test_an_end_is_noticed_without_any_message(
    redis: Redis, address: str, record: Prediction
) -> None:
    watch = Watch(redis, store(redis))  # does not listen
    waiting = asyncio.create_task(watch.ended(record.id, 10))
    await asyncio.sleep(0)
    await another_bridge_cancels(address, record.id)
    async with asyncio.timeout(3 * LOOK_SECONDS):
        assert await waiting


async def test_what_does_not_end_is_waited_for_as_long_as_asked(
    redis: Redis, record: Prediction
) -> None:
    watch, loop = Watch(redis, store(redis)), asyncio.get_running_loop()
    began = loop.time()
    assert not await watch.ended(record.id, 0.2)
    assert loop.time() - began < AT_ONCE


async def test_it_listens_again_after_its_connection_was_lost(
    redis: Redis, address: str, record: Prediction
) -> None:
    watch, loop = Watch(redis, store(redis)), asyncio.get_running_loop()
    async with watch.listening():
        await subscribed(redis)
        await redis.client_kill_filter(_type="pubsub")
        async with asyncio.timeout(10):
            await subscribed(redis)
        with watch.changes(record.id) as changes:
            began = loop.time()
            await another_bridge_cancels(address, record.id)
            await changes.next()
            assert loop.time() - began < AT_ONCE
