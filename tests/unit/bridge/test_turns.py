"""Turns between tenants, on a real Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from redis.asyncio import Redis

from bridge.records.prediction import CancelRequested, Prediction
from bridge.records.sealed import Sealed
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.tenants import Key, Tenant
from bridge.tasks.turns import AHEAD, Line
from tests.unit.bridge.test_render import prediction

SEALED = Sealed(Seals(["a secret"]))
TENANTS = ("default", "one", "two")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Waiting:
    """A line with the records of those in it, and what it should do."""

    def __init__(self, redis: Redis) -> None:
        self.store = Store(redis, SEALED, result_ttl=60, queue_limit=10_000)
        self.line = Line(redis, "run")
        self.number = 0

    async def create(self, tenant: str) -> Prediction:
        self.number += 1
        moment = NOW + timedelta(seconds=self.number)
        made = prediction(input={})
        made = replace(made, id=Tenant(tenant).key(f"n{self.number}"), created_at=moment)
        await self.store.create(made, {})
        return made

    async def join(self, tenant: str) -> list[Key]:
        return await self.line.join(await self.create(tenant))

    async def end(self, key: Key) -> None:
        await self.store.apply(key, CancelRequested(), NOW)


@pytest.fixture
def waiting(redis: Redis) -> Waiting:
    return Waiting(redis)


async def test_the_single_one_of_the_quiet_comes_next(waiting: Waiting) -> None:
    await waiting.line.announce("bridge", 1)
    admitted = [key for _ in range(1000) for key in await waiting.join("busy")]
    assert len(admitted) == 1 + AHEAD
    assert await waiting.join("quiet") == [], "docket holds no more than the slots and one ahead"
    await waiting.end(admitted[0])
    assert [key.tenant.name for key in await waiting.line.go_on()] == ["quiet"]


async def test_one_of_several_tenants_holds_a_part_of_the_slots(redis: Redis) -> None:
    """Downloads may hang for long; alone a tenant has all slots."""
    waiting = Waiting(redis)
    waiting.line = Line(redis, "fetch", 0.75)
    await waiting.line.announce("bridge", 16)
    alone = [key for _ in range(16 + AHEAD) for key in await waiting.join("default")]
    assert len(alone) == 16 + AHEAD
    for key in alone:
        await waiting.end(key)
    busy = [key for _ in range(40) for key in await waiting.join("busy")]
    busy += await waiting.line.go_on()
    assert len([key for key in busy if key.tenant.name == "busy"]) == 12
    quiet = [key for _ in range(3) for key in await waiting.join("quiet")]
    assert [key.tenant.name for key in quiet] == ["quiet"] * 3
    for key in busy:
        await waiting.end(key)
    more = [key for key in await waiting.line.go_on() if key.tenant.name == "busy"]
    assert len(more) == 12


async def test_no_order_of_events_loses_one_or_serves_one_tenant_before_its_turn(
    waiting: Waiting,
) -> None:
    random = Random(7)
    left: dict[str, list[Key]] = {tenant: [] for tenant in TENANTS}
    served = dict.fromkeys(TENANTS, 0)
    running: list[Key] = []
    turns = 0
    bridges = {"a": 0, "b": 0}

    def take(admitted: list[Key]) -> None:
        nonlocal turns
        for key in admitted:
            expected = min((t for t in TENANTS if left[t]), key=lambda t: (served[t], t))
            assert (key.tenant.name, key) == (expected, left[expected].pop(0))
            turns += 1
            served[expected] = turns
            running.append(key)
        assert not running or len(running) <= sum(bridges.values()) + AHEAD

    for step in range(400):
        if step in (20, 200):  # until the first one announces its slots, nothing is admitted
            bridges["a" if step == 20 else "b"] = 2
            await waiting.line.announce("a" if step == 20 else "b", 2)
        match random.choice(["join", "join", "end", "end", "cancel", "go on"]):
            case "join":
                made = await waiting.create(random.choice(TENANTS))
                left[made.id.tenant.name].append(made.id)
                take(await waiting.line.join(made))
            case "end" if running:
                await waiting.end(running.pop(random.randrange(len(running))))
            case "cancel" if any(left.values()):  # of one that waits
                gone = random.choice([key for keys in left.values() for key in keys])
                left[gone.tenant.name].remove(gone)
                await waiting.end(gone)
            case _:
                take(await waiting.line.go_on())
    while running:
        await waiting.end(running.pop())
        take(await waiting.line.go_on())
    assert left == {tenant: [] for tenant in TENANTS}


async def test_what_was_admitted_is_handed_over_again_after_a_crash(waiting: Waiting) -> None:
    await waiting.line.announce("bridge", 1)
    made = await waiting.create("default")
    assert await waiting.line.join(made) == [made.id]
    # The bridge died before docket had it; its successor sweeps.
    assert await waiting.line.join(made) == [made.id]
    assert await waiting.line.go_on() == []


async def test_without_a_slot_nothing_is_admitted(waiting: Waiting) -> None:
    assert await waiting.join("default") == []
    await waiting.line.announce("bridge", 1)
    await waiting.line.withdraw("bridge", 1)
    assert await waiting.line.go_on() == []
    await waiting.line.announce("bridge", 1)
    assert len(await waiting.line.go_on()) == 1


async def test_who_leaves_makes_room(waiting: Waiting) -> None:
    await waiting.line.announce("bridge", 1)
    first, second = [key for _ in range(2) for key in await waiting.join("default")]
    assert await waiting.join("default") == []
    waiting.line.leave(first)
    assert len(await waiting.line.go_on()) == 1
    assert await waiting.line.go_on() == []
    assert second != first


async def test_what_others_wrote_into_the_line_is_dropped(waiting: Waiting, redis: Redis) -> None:
    await redis.set("prediction:no-record", "x")
    await redis.zadd("turns:run:waiting:default", {"no-record": 0, "unknown": 0, "a:b": 0})
    await redis.zadd("turns:run:order", {"default": 0})
    await redis.zadd("turns:run:slots", {"a bridge": 2**60})
    await waiting.line.announce("bridge", 3)
    made = await waiting.create("default")
    assert await waiting.line.join(made) == [made.id]
