"""What Redis holds without a seal, in a stranger's words: it leads nowhere and stops nothing."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from redis.asyncio import Redis

from bridge.api.replicate.render import webhook_body
from bridge.links import Links
from bridge.recordings.files import Files
from bridge.recordings.uploads import Uploaded, Uploads
from bridge.records import keys
from bridge.records.heard import Heard, News
from bridge.records.idempotency import Idempotency
from bridge.records.limits import Claim, LimitReached, Meter
from bridge.records.prediction import Finished, Started
from bridge.records.revisions import Revision, Revisions
from bridge.records.store import Store
from bridge.records.tenants import DEFAULT, Key, Limits, Principal, Tenant
from bridge.settings import Settings
from bridge.tasks.turns import Line
from bridge.tasks.webhooks import ATTEMPTS, Webhooks
from tests.unit.bridge.test_render import prediction
from tests.unit.bridge.test_turns import NOW, SEALED

ACME = Tenant("acme")
NONSENSE = ["abc", "", "nan", "-nan", "inf", "-inf", "-5", "1e999", "9" * 400, "0x10", b"\xff"]


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis, SEALED, result_ttl=60, queue_limit=100)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        tokens="0123456789abcdef",
        webhook_secret="0123456789abcdef",
        files_dir=tmp_path,
        allowed_private_hosts="127.0.0.1",
    )


async def test_a_list_of_files_shows_no_other_tenants(redis: Redis, settings: Settings) -> None:
    uploads = Uploads(settings, redis, SEALED, create_autospec(Files), Meter(redis, kept=False))
    for tenant in (ACME, DEFAULT):
        described: dict[str, Any] = dict.fromkeys(Uploaded.__annotations__, "")
        await uploads.describe(Uploaded(**{**described, "id": tenant.key("x"), "size": 1}))
    for index, foreign in (("files:all", "acme.x"), ("files:all:acme", "x")):
        strangers: dict[Any, float] = {foreign: 2, "..": 3, "acme.": 4, b"\xff": 5}
        await redis.zadd(index, strangers)
    for tenant in (ACME, DEFAULT):
        assert [one.id for one in await uploads.all(tenant)] == [tenant.key("x")]


async def test_a_repeated_request_is_answered_with_nothing_of_another_tenant(redis: Redis) -> None:
    claims = Idempotency(redis)
    for stranger in ("theirs", "other.theirs", "", "\n", b"\xff"):
        await redis.set(keys.idempotency("digest"), stranger)
        assert await claims.claim("digest", ACME.key("mine"), renew=False) == "acme.mine"
    await redis.set(keys.idempotency("digest"), "acme.first")
    assert await claims.claim("digest", ACME.key("mine"), renew=False) == "acme.first"


@pytest.mark.parametrize("value", NONSENSE)
async def test_an_estimate_is_a_number_or_nothing(redis: Redis, store: Store, value: Any) -> None:
    for name in ("first", "second"):
        await store.create(replace(prediction(input={}), id=Key(name)), {}, Claim(seconds=3))
    for field in ("runs", "audio", "took", "squares", "products"):
        await redis.delete(keys.PACE)
        await store.observe_run(DEFAULT, 3, 1)
        await redis.hset(keys.PACE, field, value)
        place = await store.place(Key("second"))
        assert place is not None
        assert place.seconds is None or (math.isfinite(place.seconds) and place.seconds >= 0)
    await redis.hset("prediction:first", "seconds", value)
    place = await store.place(Key("second"))
    assert place is not None
    assert place.seconds is None or math.isfinite(place.seconds)
    for _ in range(200):
        await store.observe_run(DEFAULT, 3, 1)
    await redis.hset("prediction:first", "seconds", 3)
    place = await store.place(Key("second"))
    assert place is not None
    assert place.seconds == pytest.approx(1, rel=0.01), "later runs tell again"


@pytest.mark.parametrize("value", NONSENSE)
async def test_a_limit_holds_again_after_nonsense(redis: Redis, store: Store, value: Any) -> None:
    claim = Claim("key", Limits(minutes=1, bytes=10), seconds=40, bytes=6)
    await redis.hset("limits:key:day", "seconds", value)
    await redis.hset("limits:key:bytes", "somebody", value)
    await store.create(replace(prediction(input={}), id=Key("first")), {}, claim)
    await redis.hset("prediction:first", "charged", value)
    for one in (replace(claim, bytes=0), replace(claim, seconds=0.0)):
        with pytest.raises(LimitReached):
            await store.create(replace(prediction(input={}), id=Key("second")), {}, one)


@pytest.mark.parametrize("value", [*NONSENSE, "9" * 18])
async def test_a_key_may_send_requests_again_after_nonsense(redis: Redis, value: Any) -> None:
    holder, meter = Principal(DEFAULT, "key", limits=Limits(requests=2)), Meter(redis, kept=False)
    await redis.rpush("limits:key:requests", value, value, value)
    left = [(await meter.request(holder)) for _ in range(2)]
    assert [one.remaining for one in left if one] == [1, 0]
    with pytest.raises(LimitReached) as reached:
        await meter.request(holder)
    assert reached.value.allowance.seconds == 1


@pytest.mark.parametrize("value", NONSENSE)
async def test_a_revision_without_a_number_is_none(redis: Redis, store: Store, value: Any) -> None:
    made, revisions = prediction(input={}), Revisions(redis, SEALED, 10)
    await store.create(made, {})
    await store.apply(made.id, Finished(1, "", {}), NOW, {"segments": []})
    await revisions.save(made.id, 0, [], {}, NOW)
    for field in ("revision", "saved_at"):
        before = await redis.hget("prediction:p", field)
        await redis.hset("prediction:p", field, value)
        found = await revisions.get(made.id)
        assert found == Revision() or found.number in (-5, int("9" * 400))
        await redis.hset("prediction:p", field, before)
    assert (await revisions.get(made.id)).number == 1


async def test_segments_are_kept_beside_a_strangers_fields(redis: Redis, store: Store) -> None:
    await store.create(prediction(input={}), {})
    await store.apply(Key("p"), Started(1), NOW)
    await redis.hset("prediction:p:segments", mapping={"attempt": "abc", "x": "y", "nan": "z"})
    heard = Heard(redis, SEALED)
    await heard.add(Key("p"), 1, News(0, [{"text": "x"}]))
    assert [one["text"] for one in await heard.segments(Key("p"), 0)] == ["x"]


async def test_what_was_admitted_by_a_stranger_is_found(redis: Redis, store: Store) -> None:
    line = Line(redis, "run")
    await line.announce("bridge", 1)
    await store.create(prediction(input={}), {})
    strangers: dict[Any, float] = {b"forged": 1, b"\xff": 1, b"with space": 1}
    for stranger in strangers:
        await redis.hset(b"prediction:" + stranger, "status", "processing")
    await redis.zadd("turns:run:admitted", strangers)
    assert await line.join(prediction(input={})) == ["p"], "one ahead of the one that is forged"
    assert await line.admitted() == ["forged", "p"]


def _webhooks(redis: Redis, store: Store, settings: Settings) -> Webhooks:
    render = partial(webhook_body, Links("secret"))
    return Webhooks(settings, store, redis, SEALED, render)


async def test_no_end_is_delivered_before_it_has_come(
    redis: Redis, store: Store, settings: Settings
) -> None:
    webhooks = _webhooks(redis, store, settings)
    sent: list[tuple[str, str]] = []
    webhooks.on_try = lambda event, outcome: sent.append((event, outcome))
    made = prediction(input={}, webhook="http://127.0.0.1:9/", webhook_events=("completed",))
    await store.create(made, {})
    strangers: dict[Any, float] = {
        "p completed": 1,
        "p": 2,
        "p nothing": 3,
        "": 4,
        b"\xff": 5,
        "p completed x": 6,
    }
    await redis.zadd(keys.PENDING, strangers)
    assert await webhooks.pending() == [("p", "completed")]
    assert await webhooks.attempt(Key("p"), "completed") is None
    assert await redis.zrange(keys.PENDING, 0, -1) == []
    await store.apply(made.id, Finished(1, "", {}), NOW, {})
    assert await webhooks.attempt(Key("p"), "completed") is not None
    assert sent == [("completed", "failed")]


@pytest.mark.parametrize("value", NONSENSE)
async def test_tries_are_counted_whatever_stood_there(
    redis: Redis, store: Store, settings: Settings, value: Any
) -> None:
    webhooks = _webhooks(redis, store, settings)
    made = prediction(input={}, webhook="http://127.0.0.1:9/", webhook_events=("completed",))
    await store.create(made, {})
    await store.apply(Key("p"), Finished(1, "", {}), NOW, {})
    await redis.hset(keys.TRIES, "p completed", value)
    tries = 0
    while await webhooks.attempt(Key("p"), "completed") is not None:
        tries += 1
        assert tries < ATTEMPTS + 6
    assert [letter.event for letter in await webhooks.dead_letters()] == ["completed"]
