"""What the bridge tells Prometheus, and what log lines say, after real work."""

import asyncio
import re
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families as parse

from predictor.health import CogState
from stack.client import Client
from tests.conftest import RunningStack


async def figures(stack: RunningStack, session: aiohttp.ClientSession) -> dict[str, float]:
    async with session.get(stack.metrics_url) as response:
        assert response.status == 200
        text = await response.text()
    return {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}":
        sample.value
        for family in parse(text)
        for sample in family.samples
    }  # fmt: skip


async def test_a_prediction_is_counted_with_its_wait_stages_and_speed(
    stack: RunningStack, session: aiohttp.ClientSession, client: Client, short_recording: Path
) -> None:
    before = await figures(stack, session)
    created = await client.create_from_file(short_recording)
    assert (await client.finish(created["id"]))["status"] == "succeeded"
    ended = "whisperx_predictions_total{status=succeeded}"
    async with asyncio.timeout(20):  # the end is counted once it is recorded, not before
        while (after := await figures(stack, session)).get(ended) == before.get(ended):
            await asyncio.sleep(0.05)

    def grew(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grew(ended) == 1
    assert grew("whisperx_queue_wait_seconds_count{}") == 1
    assert grew("whisperx_stage_seconds_count{stage=recognize}") == 1
    assert grew("whisperx_real_time_factor_count{}") == 1
    assert 5 < grew("whisperx_audio_seconds_total{}") < 7
    posted = "whisperx_http_requests_total{method=POST,route=/predictions,status=201}"
    assert grew(posted) == 1
    assert after["whisperx_predictions_unfinished{status=starting}"] == 0
    assert after["whisperx_redis_up{}"] == 1
    assert after["whisperx_draining{}"] == 0
    assert after["process_resident_memory_bytes{}"] > 0


async def test_cog_is_in_one_state(stack: RunningStack, session: aiohttp.ClientSession) -> None:
    found = await figures(stack, session)
    states = {str(name): found[f"whisperx_cog_state{{state={name}}}"] for name in CogState}
    assert sum(states.values()) == 1
    assert states["READY"] + states["BUSY"] == 1


async def test_refusals_are_counted_by_route_and_not_by_path(
    stack: RunningStack, session: aiohttp.ClientSession
) -> None:
    for path in ("/v1/predictions/a", "/v1/predictions/b", "/no/such/route"):
        async with session.get(stack.url + path) as response:
            assert response.status == 401
    found = await figures(stack, session)
    name = "whisperx_http_requests_total{method=GET,route=/predictions/{id},status=401}"
    assert found[name] >= 2
    assert not [name for name in found if re.search(r"route=/(predictions/a|no/)", name)]


async def test_metrics_are_not_on_the_public_port(
    stack: RunningStack, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{stack.url}/metrics") as response:
        assert response.status == 401
