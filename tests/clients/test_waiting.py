"""How long an answer waits for the end of its prediction."""

import asyncio
import time

import aiohttp
import pytest

from tests.clients.helpers import (
    Api,
    Json,
    asked,
    expected_output,
    new_id,
)


@pytest.mark.parametrize("prefer", [None, "respond-async"])
async def test_without_a_wish_to_wait_the_answer_comes_at_once(
    api: Api, prefer: str | None
) -> None:
    took = []
    for _ in range(3):  # the machine itself may pause once
        began = time.monotonic()
        created = await api.create("sleep=5", {"Prefer": prefer} if prefer else None)
        took.append(time.monotonic() - began)
        assert created["status"] == "starting"
        await api.cancel(created["id"])
    assert min(took) < 1.0


async def test_a_crowd_is_served(api: Api) -> None:
    """More requests at once than the record store has connections by default."""
    prediction_id = (await api.create("", {"Prefer": "wait"}))["id"]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        crowd = Api(session, api.stack)
        got = [crowd.call("GET", f"/v1/predictions/{prediction_id}") for _ in range(200)]
        created = [crowd.call("POST", "/v1/predictions", json={"input": {}}) for _ in range(50)]
        statuses = [answer.status for answer in await asyncio.gather(*got, *created)]
    assert statuses == [200] * 200 + [422] * 50


@pytest.mark.parametrize("seconds", [1, 2])
async def test_a_wait_that_is_too_short_is_answered_starting_in_time(
    api: Api, seconds: int
) -> None:
    async def waited() -> tuple[float, Json]:
        began = time.monotonic()
        created = await api.create(f"sleep={seconds + 1}", {"Prefer": f"wait={seconds}"})
        assert created["status"] == "starting"
        return time.monotonic() - began, created

    took, created = await waited()
    if took >= seconds:  # the machine itself may pause once
        await api.finish(created["id"])
        took, created = await waited()
    assert seconds / 2 < took < seconds
    running = await api.until(created["id"], {"processing", "succeeded"})
    assert running["status"] == "processing", "it is under way all the same"
    assert (await api.finish(created["id"]))["status"] == "succeeded"


@pytest.mark.parametrize("prefer", ["wait", "wait=20"])
async def test_a_wait_that_is_long_enough_is_answered_with_the_end(api: Api, prefer: str) -> None:
    created = await api.create("sleep=1", {"Prefer": prefer})
    assert created["status"] == "succeeded"
    assert created["output"] == expected_output("sleep=1")
    assert created == await api.get(created["id"])


async def test_a_client_that_goes_away_while_it_waits_leaves_the_job_running(
    api: Api,
) -> None:
    prediction_id = new_id()
    body = {"id": prediction_id, "input": asked("sleep=2")}
    asking = asyncio.create_task(
        api.call("POST", "/v1/predictions", {"Prefer": "wait=30"}, json=body)
    )
    path = f"/v1/predictions/{prediction_id}"
    while (await api.call("GET", path)).body["status"] != "processing" and not asking.done():
        await asyncio.sleep(0.02)
    assert asking.cancel(), "the client goes away before it is answered"
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await api.finish(prediction_id))["status"] == "succeeded"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=-1", "wait=abc", "wait=99999999999999999999"])
async def test_a_strange_wish_to_wait_does_no_harm(api: Api, prefer: str) -> None:
    created = await api.create("", {"Prefer": prefer})
    assert created["status"] in ("starting", "succeeded")
