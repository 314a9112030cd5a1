"""Segments in a stream: for who asks, as they are recognized."""

import json

import aiohttp

from tests.clients.helpers import Api, events_of


async def test_segments_are_streamed_to_who_asks_for_them(api: Api) -> None:
    created = await api.create("say=3 sleep=1")
    link = created["urls"]["stream"]
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(f"{link}&segments=1") as response:
            events = await events_of(response)
        async with stranger.get(link) as response:
            plain = await events_of(response)
    batches = [json.loads(data) for event, _, data in events if event == "segments"]
    heard = [segment for batch in batches for segment in batch["segments"]]
    assert [batch["first"] for batch in batches] == [
        sum(len(batch["segments"]) for batch in batches[:number]) for number in range(len(batches))
    ]
    assert len(heard) == 3
    assert all({"start", "end", "text"} <= segment.keys() for segment in heard)
    assert [event for event, *_ in events][-1] == "done"
    assert "segments" not in [event for event, *_ in plain], "one client fails at unknown events"
