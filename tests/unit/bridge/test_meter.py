"""What a key has used, on a real Redis."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from bridge.records.limits import Claim, LimitReached, Meter
from bridge.records.prediction import CancelRequested, Finished
from bridge.records.store import Store
from bridge.records.tenants import DEFAULT, Key, Limits, Principal
from tests.unit.bridge.test_render import prediction
from tests.unit.bridge.test_turns import NOW, SEALED


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis, SEALED, result_ttl=60, queue_limit=100)


@pytest.fixture
def meter(redis: Redis) -> Meter:
    return Meter(redis, kept=False)


async def made(store: Store, name: str, claim: Claim) -> Key:
    record = replace(prediction(input={}), id=DEFAULT.key(name), key_id=claim.key_id)
    await store.create(record, {}, claim)
    return record.id


async def reached(name: str, store: Store, claim: Claim) -> int:
    with pytest.raises(LimitReached) as refused:
        await made(store, "one-more", claim)
    assert refused.value.allowance.name == name
    assert await store.get(DEFAULT.key("one-more")) is None, "what is refused leaves nothing"
    return refused.value.allowance.remaining


async def test_what_a_recording_tells_late_counts_once(store: Store, meter: Meter) -> None:
    limits = Limits(minutes=2)
    unknown = Claim("key", limits, seconds=None)
    first = await made(store, "first", unknown)
    second = await made(store, "second", Claim("key", limits, seconds=30))
    await meter.charge(Claim("key", limits, seconds=60), first)  # it was downloaded
    for _ in range(2):  # it ended; some bridges learn it twice
        await meter.charge(Claim("key", seconds=60), first)
        await meter.charge(Claim("key", seconds=45.5), second)
    assert await reached("minutes", store, Claim("key", limits, seconds=15)) == 0
    await made(store, "third", Claim("key", limits, seconds=14.5))
    await reached("minutes", store, unknown)
    await made(store, "fourth", Claim("key", Limits(minutes=3), seconds=60))


async def test_a_download_beyond_the_limit_is_refused(store: Store, meter: Meter) -> None:
    limits = Limits(minutes=1, bytes=1000)
    first = await made(store, "first", Claim("key", limits, seconds=None))
    with pytest.raises(LimitReached, match="minutes"):
        await meter.charge(Claim("key", limits, seconds=61, bytes=10), first)
    with pytest.raises(LimitReached, match="bytes"):
        await meter.charge(Claim("key", limits, seconds=1, bytes=1001), first)
    await meter.charge(Claim("key", limits, seconds=60, bytes=1000), first)


@pytest.mark.parametrize("kept", [False, True])
async def test_bytes_count_until_the_recording_is_deleted(
    redis: Redis, store: Store, kept: bool
) -> None:
    limits, meter = Limits(bytes=100), Meter(redis, kept=kept)
    first = await made(store, "first", Claim("key", limits, bytes=60))
    with pytest.raises(LimitReached):
        await meter.store(Claim("key", limits, bytes=41), DEFAULT.key("file"))
    await store.apply(first, Finished(1, "", {}), NOW, {})
    if kept:
        with pytest.raises(LimitReached):
            await meter.store(Claim("key", limits, bytes=41), DEFAULT.key("file"))
    else:
        await meter.store(Claim("key", limits, bytes=41), DEFAULT.key("file"))
    await store.erase(first)
    await meter.store(Claim("key", limits, bytes=100), DEFAULT.key("file"))


async def test_what_has_ended_or_is_gone_is_unfinished_no_longer(store: Store) -> None:
    claim = Claim("key", Limits(unfinished=2))
    first, second = [await made(store, name, claim) for name in ("first", "second")]
    await reached("unfinished", store, claim)
    await store.apply(first, CancelRequested(), NOW)
    await store.erase(second)
    for name in ("third", "fourth"):
        await made(store, name, claim)
    await reached("unfinished", store, claim)
    await made(store, "of-another-key", Claim("other", Limits(unfinished=1)))


async def test_requests_are_counted_in_every_second(redis: Redis, meter: Meter) -> None:
    holder = Principal(key_id="key", limits=Limits(requests=3))
    left = [allowance.remaining for _ in range(3) if (allowance := await meter.request(holder))]
    assert left == [2, 1, 0]
    with pytest.raises(LimitReached) as refused:
        await meter.request(holder)
    assert refused.value.allowance.seconds == 1
    # A second later the oldest counts no longer.
    moments = [
        int(moment) - 1_000_000 for moment in await redis.lrange("limits:key:requests", 0, 0)
    ]
    await redis.lset("limits:key:requests", 2, str(moments[0]))
    assert await meter.request(holder)
    with pytest.raises(LimitReached):
        await meter.request(holder)
    assert await meter.request(Principal()) is None
