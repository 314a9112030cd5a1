"""A tenant with very much to do and one with a single recording, on one slot."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.clients.helpers import asked
from tests.tenants.side import Json, Side

MANY = 1000


async def _all_of(side: Side) -> list[Json]:
    found: list[Json] = []
    path = "/v1/predictions"
    while path:
        page = await side.json("GET", path)
        found += page["results"]
        path = page["next"]
    return found


@pytest.mark.timeout(300)
@pytest.mark.slow
async def test_the_single_job_of_a_quiet_tenant_begins_after_at_most_two_of_the_busy_ones(
    sides: tuple[Side, Side],
) -> None:
    busy, quiet = sides
    body = {"input": asked("sleep=1")}
    gate = asyncio.Semaphore(16)

    async def create() -> Json:
        async with gate:
            return await busy.json("POST", "/v1/predictions", json=body)

    created = await asyncio.gather(*(create() for _ in range(MANY)))
    assert len({one["id"] for one in created}) == MANY
    mine = await quiet.json("POST", "/v1/predictions", {"Prefer": "wait"}, json={"input": asked()})
    assert mine["status"] == "succeeded"
    asked_at, began_at = mine["created_at"], mine["started_at"]
    listed = await _all_of(busy)
    assert len(listed) == MANY, "every one of them is there"
    between = [one for one in listed if asked_at < (one["started_at"] or "") < began_at]
    assert len(between) <= 2
    for one in listed:
        await busy.call("POST", f"/v1/predictions/{one['id']}/cancel")
    following = await quiet.json("POST", "/v1/predictions", {"Prefer": "wait"}, json=body)
    assert following["status"] == "succeeded", "what was canceled takes no turns"


async def test_a_free_slot_is_taken_at_once(
    sides: tuple[Side, Side],
) -> None:
    """With one tenant and with two the next begins as soon as the one before has ended."""
    pauses = []
    for side in (sides, sides[:1] * 2):
        created = []
        for number in range(10):
            body = {"input": asked()}
            created.append(await side[number % 2].json("POST", "/v1/predictions", json=body))
        await side[1].json("POST", "/v1/predictions", {"Prefer": "wait"}, json={"input": asked()})
        ended = []
        for number, one in enumerate(created):
            ended.append(await side[number % 2].json("GET", f"/v1/predictions/{one['id']}"))
        ended.sort(key=lambda one: str(one["started_at"]))
        for before, after in pairwise(ended):
            pause = _moment(after["started_at"]) - _moment(before["completed_at"])
            pauses.append(pause)
    # 25 ms on an idle machine; 250 where nobody but the clock says that it is another one's turn.
    assert sorted(pauses)[len(pauses) // 2] < timedelta(milliseconds=200)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
