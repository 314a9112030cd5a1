"""How long to wait is estimated from the lengths of what is ahead, on a real Redis."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bridge.records.limits import Claim
from bridge.records.pace import Pace
from bridge.records.store import Store
from bridge.records.tenants import DEFAULT, Key
from tests.unit.bridge.test_render import prediction
from tests.unit.bridge.test_turns import NOW, SEALED

HOUR, CLIP = 3600.0, 5.0  # seconds


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis, SEALED, result_ttl=60, queue_limit=500)


async def waiting(store: Store, lengths: Sequence[float | None]) -> list[Key]:
    made = []
    for number, seconds in enumerate(lengths):
        created = NOW + timedelta(seconds=number)
        record = replace(
            prediction(input={}), id=DEFAULT.key(f"waiting-{number}"), created_at=created
        )
        await store.create(record, {}, Claim(seconds=seconds))
        made.append(record.id)
    return made


async def ran(store: Store, audio: float, took: float) -> None:
    await store.observe_run(DEFAULT, audio, took)


async def wait_of(store: Store, key: Key) -> float | None:
    place = await store.place(key)
    assert place is not None
    return place.seconds


async def test_one_long_recording_does_not_make_short_ones_look_long(store: Store) -> None:
    for _ in range(3):
        await ran(store, CLIP, 2.0)
    await ran(store, HOUR, 360.0)
    *_, last = await waiting(store, [CLIP] * 6)
    assert await wait_of(store, last) == pytest.approx(10.0, rel=0.1)


async def test_a_long_recording_ahead_is_waited_for(store: Store) -> None:
    await ran(store, CLIP, 2.0)
    await ran(store, HOUR, 360.0)
    first, second, third = await waiting(store, [CLIP, HOUR, CLIP])
    assert await wait_of(store, first) == 0.0
    assert await wait_of(store, second) == pytest.approx(2.0, rel=0.1)
    assert await wait_of(store, third) == pytest.approx(362.0, rel=0.1)


async def test_a_length_that_comes_later_counts(store: Store) -> None:
    await ran(store, CLIP, 2.0)
    await ran(store, HOUR, 360.0)
    first, second = await waiting(store, [None, CLIP])
    await store.add_length(first, HOUR)
    assert await wait_of(store, second) == pytest.approx(360.0, rel=0.1)


async def test_before_the_first_run_nothing_is_told(store: Store) -> None:
    first, second = await waiting(store, [None, None])
    assert await wait_of(store, first) is None
    await ran(store, CLIP, 2.0)
    assert await wait_of(store, second) == pytest.approx(2.0)


async def test_a_long_queue_is_looked_at_in_part(store: Store) -> None:
    await ran(store, CLIP, 2.0)
    *_, last = await waiting(store, [CLIP] * 251)
    assert await wait_of(store, last) == pytest.approx(500.0)


@pytest.mark.parametrize(
    ("runs", "ahead", "expected"),
    [
        ([(10, 3), (10, 3)], (2, 40), 12),  # all as long: in proportion
        ([(10, 3), (100, 12)], (1, 1000), 102),  # 2 s, and a tenth of the length
        ([(0, 3), (0, 5)], (2, 0), 8),  # what tells no length: by the number
        ([(10, 9), (100, 1)], (2, 1000), 10),  # longer ones never look shorter
        ([(100, 1), (200, 4)], (1, 100), 5 / 3),  # no run takes less than nothing
    ],
)
def test_runs_are_fitted(
    runs: list[tuple[float, float]], ahead: tuple[int, float], expected: float
) -> None:
    pace = Pace(
        runs=len(runs),
        audio=sum(audio for audio, _ in runs),
        took=sum(took for _, took in runs),
        squares=sum(audio**2 for audio, _ in runs),
        products=sum(audio * took for audio, took in runs),
    )
    assert pace.seconds(*ahead) == pytest.approx(expected)
