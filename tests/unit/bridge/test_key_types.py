"""A stranger's value of another type under a key of ours stops nothing, on a real Redis."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from redis.exceptions import ResponseError

from bridge.records import keys
from bridge.records.heard import Heard, News
from bridge.records.idempotency import Idempotency
from bridge.records.key_types import TypedRedis, type_of
from bridge.records.limits import Claim, Meter
from bridge.records.prediction import CancelRequested, Finished, Prediction
from bridge.records.revisions import Revisions
from bridge.records.store import AlreadyExists, Store
from bridge.records.tenants import DEFAULT, Key, Limits, Principal, Tenant
from bridge.tasks.turns import Line
from tests.unit.bridge.test_render import prediction
from tests.unit.bridge.test_turns import NOW, SEALED

LIMITED = Principal(DEFAULT, "key", limits=Limits(10, 10, 10, 1000))
ACME = Tenant("acme")


@pytest.fixture
async def redis(address: str) -> AsyncIterator[TypedRedis]:
    async with aclosing(TypedRedis.at(address)) as client:
        await client.flushall()
        yield client


def test_the_type_of_every_key_is_known() -> None:
    named = re.findall(r"^    ([a-z]+:\S+)  ", keys.__doc__ or "", re.MULTILINE)
    assert len(named) > 20
    assert [name for name in named if type_of(re.sub("<[a-z]+>", "x", name)) is None] == []
    assert type_of("jobs:stream") is type_of("prediction:x:secrets:y") is None


async def work(redis: TypedRedis, name: str) -> None:
    """Uses every key of ours for a prediction of that name."""
    store = Store(redis, SEALED, result_ttl=60, queue_limit=100)
    claim = Claim("key", LIMITED.limits, 1.0, 1)
    made = replace(
        prediction(input={}), id=ACME.key(name), webhook="http://x/", webhook_events=("completed",)
    )
    await store.create(made, {"secret": "x"}, claim)
    await Meter(redis, kept=False).request(LIMITED)
    assert await Idempotency(redis).claim("digest", made.id, renew=False)
    line = Line(redis, "run")
    await line.announce("bridge", 100)
    assert await line.join(made) == [made.id]
    heard = Heard(redis, SEALED)
    await heard.add(made.id, 1, News(0, [{"text": "x"}], [{"first": 0}]))
    assert [one["text"] for one in await heard.segments(made.id, 0)] == ["x"]
    assert await heard.batches(made.id) == [{"first": 0}]
    assert await store.secrets(made.id) == {"secret": "x"}
    await store.observe_run(ACME, 1.0, 1.0)
    change = await store.apply(made.id, Finished(1, "", {}), NOW, {"segments": []})
    assert change is not None
    assert change.after.terminal
    assert await redis.zscore(keys.PENDING, f"{made.id} completed") is not None
    saved = await Revisions(redis, SEALED, 10).save(made.id, 0, [], {}, NOW)
    assert saved is not None
    newest = await store.newest(ACME, None, 10, 0, 1e12)
    assert made.id in [one.id for one in newest]
    assert [one.id for one in await store.corrected()] == [made.id]
    assert ACME in await store.tenants()
    await redis.delete(keys.KEPT + ":acme")


async def changed_types(redis: TypedRedis) -> list[str]:
    """Replaces every value by one of another type."""
    found = []
    async for key in redis.scan_iter():
        kind = keys.text(await redis.type(key))
        await redis.delete(key)
        if kind == "string":
            await redis.rpush(key, "x")
        else:
            await redis.set(key, "x")
        found.append(keys.text(key))
    return found


async def test_the_same_work_is_done_over_values_of_other_types(redis: TypedRedis) -> None:
    strangers: list[str] = []
    redis.on_stranger = strangers.append
    await work(redis, "first")
    changed = await changed_types(redis)
    assert {"predictions:all:acme", "turns:run:last", "limits:key:day"} <= set(changed)
    for part in ("order", "waiting:acme"):
        await redis.set(f"turns:run:{part}", "x")
    await redis.set("prediction:acme.second:segments", "x")
    await work(redis, "second")
    assert {"predictions:all:acme", "tenants:known", "webhooks:pending"} <= set(strangers)
    await work(redis, "third")


@pytest.mark.parametrize(
    "key", ["predictions:all", "predictions:unfinished", "tenants:known", "limits:key:bytes"]
)
async def test_a_creation_is_whole(redis: TypedRedis, key: str) -> None:
    store = Store(redis, SEALED, result_ttl=60, queue_limit=100)
    made: Prediction = prediction(input={})
    await redis.set(key, "x")
    await store.create(made, {}, Claim("key", LIMITED.limits, 1.0, 1))
    assert await store.unfinished() == [made.id]
    assert [one.id for one in await store.newest(DEFAULT, None, 10, 0, 1e12)] == [made.id]
    with pytest.raises(AlreadyExists):
        await store.create(made, {})


async def test_a_record_of_another_type_is_not_there_and_holds_nobody_up(
    redis: TypedRedis,
) -> None:
    store = Store(redis, SEALED, result_ttl=60, queue_limit=100)
    for name in ("good", "bad"):
        await store.create(replace(prediction(input={}), id=Key(name)), {})
    await redis.delete("prediction:bad")
    await redis.set("prediction:bad", "x")
    assert [one.id for one in await store.newest(DEFAULT, None, 10, 0, 1e12)] == ["good"]
    assert await store.apply(Key("bad"), CancelRequested(), NOW) is None
    assert await store.get(Key("bad")) is None


async def test_other_errors_are_raised(redis: TypedRedis) -> None:
    await redis.set("somebody:elses", "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await redis.hget("somebody:elses", "x")
    assert await redis.get("somebody:elses") == b"x", "what is not ours stays"
