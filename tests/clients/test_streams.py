"""The stream of events of a prediction."""

import json

import aiohttp
import pytest
from yarl import URL

from tests.clients.helpers import (
    Api,
    events_of,
)


async def test_a_stream_tells_everything_in_order_to_who_holds_the_link(api: Api) -> None:
    created = await api.create("logs=12")
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(created["urls"]["stream"]) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            events = await events_of(response)
        kinds = [event for event, _, _ in events]
        assert len(kinds) >= 4
        assert kinds == ["logs"] * (len(kinds) - 2) + ["output", "done"]
        ids = [event_id for _, event_id, _ in events]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        ended = await api.get(created["id"])
        assert "".join(data for event, _, data in events if event == "logs") == ended["logs"]
        assert json.loads(events[-2][2]) == ended["output"]
        assert events[-1][2] == "{}"
        async with stranger.get(created["urls"]["stream"]) as response:
            again = await events_of(response)
        assert [event for event, _, _ in again] == ["logs", "output", "done"]


async def test_a_stream_of_a_canceled_prediction_ends(api: Api) -> None:
    created = await api.create("sleep=60")
    await api.until(created["id"], ["processing"])
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(created["urls"]["stream"]) as response,
    ):
        await api.cancel(created["id"])
        events = await events_of(response)
    assert (events[-1][0], events[-1][2]) == ("done", '{"reason": "canceled"}')


async def test_a_stream_needs_its_own_link(api: Api) -> None:
    created, other = await api.create(), await api.create()
    link, foreign = URL(created["urls"]["stream"]), URL(other["urls"]["stream"])
    async with aiohttp.ClientSession() as stranger:
        for changed in (
            link.update_query(signature="0" * 64),
            link.update_query(expiry=str(int(link.query["expiry"]) + 1)),
            link.with_query(foreign.query),
            link.with_query(None),
        ):
            async with stranger.get(changed) as response:
                assert response.status == 403


@pytest.mark.slow
async def test_a_silent_stream_is_kept_alive(api: Api) -> None:
    created = await api.create("sleep=24")
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(created["urls"]["stream"]) as response,
    ):
        events = await events_of(response)
    kinds = [event for event, _, _ in events]
    assert kinds.count(":") == 2, "one every ten seconds"
    assert kinds[-2:] == ["output", "done"]
