"""What the metrics say while work waits, receivers refuse and workers die; and who may see it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from benchmarks.fault_stack import PREDICTOR
from bridge.records.tenants import Scope
from stack.client import Client
from tests.clients.helpers import eventually
from tests.conftest import RunningStack, clip_uri, start_stack, stop_stack
from tests.fixtures.receivers import refusing
from tests.tenants.conftest import Keys

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Watched:
    """A stack with two tenants and an operator."""

    def __init__(self, stack: RunningStack, keys: Keys, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.stack = stack
        self.acme, self.umbra = (
            Client(session, stack.url, keys.by_id[name]) for name in ("acme", "umbra")
        )
        self.operator = {"Authorization": f"Bearer {keys.by_id['ops']}"}

    async def figures(self, name: str) -> dict[str, float]:
        """By what its labels say, the figure of that name."""
        async with self.session.get(self.stack.metrics_url, headers=self.operator) as answer:
            assert answer.status == 200
            samples = [s for family in parse(await answer.text()) for s in family.samples]
        found = [sample for sample in samples if sample.name == f"whisperx_{name}"]
        return {",".join(sample.labels.values()): sample.value for sample in found}

    async def until(self, name: str, expected: dict[str, float]) -> None:
        async with asyncio.timeout(30):
            while (found := await self.figures(name)) != expected:
                await asyncio.sleep(0.05)
        assert found == expected


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    keys = Keys(tmp_path / "keys")
    for name in ("acme", "umbra"):
        keys.add(name, name)
    keys.add("ops", "ops", frozenset({Scope.READ, Scope.OPERATOR}))
    given = {"API_KEYS_FILE": str(keys.path), "COG_PREDICT_TYPE_STUB": PREDICTOR}
    stack = await asyncio.to_thread(start_stack, tmp_path, LOG_LEVEL="INFO", **given)
    try:
        async with aiohttp.ClientSession() as session:
            yield Watched(stack, keys, session)
    finally:
        await asyncio.to_thread(stop_stack, stack)


def asked(prompt: str = "", **more: Any) -> dict[str, Any]:
    return {"input": {"audio_file": clip_uri("Peter"), "initial_prompt": prompt}, **more}


async def test_what_waits_is_counted_by_status_and_tenants_by_number(watched: Watched) -> None:
    long = [(await watched.acme.create(asked("sleep=600")))["id"] for _ in range(3)]
    await watched.umbra.create(asked())
    await watched.until("predictions_unfinished", {"starting": 3, "processing": 1})
    assert await watched.figures("tenants_unfinished") == {"": 2}
    assert await watched.figures("tenant_most_unfinished") == {"": 3}
    async with watched.session.get(f"{watched.stack.url}/health") as answer:
        assert (await answer.json())["status"] == "READY", "that it is busy is another's business"
    for one in long:
        await watched.acme.cancel(one)
    await watched.until("predictions_unfinished", {"starting": 0, "processing": 0})
    assert f"prediction acme.{long[0]}: " in watched.stack.log("bridge")
    ended = await watched.figures("predictions_total")
    assert ended == {"canceled": 3, "succeeded": 1}


async def test_webhooks_that_are_refused_are_counted_and_shown_to_the_operator(
    watched: Watched,
) -> None:
    async with refusing(400) as url:
        hook: dict[str, Any] = {"webhook": url, "webhook_events_filter": ["completed"]}
        for client in (watched.acme, watched.umbra):
            await client.create(asked(**hook))
        await watched.until("webhooks_dead", {"": 2})
    await watched.until("webhooks_pending", {"": 0})
    assert sum((await watched.figures("webhook_attempts_total")).values()) == 2
    letters = f"{watched.stack.url}/v1/webhooks/dead-letters"
    async with watched.session.get(letters, headers=watched.operator) as answer:
        letters = (await answer.json())["results"]
    assert {letter["tenant"] for letter in letters} == {"acme", "umbra"}
    counted = await watched.figures("http_request_seconds_count")
    assert counted["POST,/predictions"] == 2


async def test_runs_that_are_lost_are_counted(watched: Watched) -> None:
    assert await watched.figures("runs_lost_total") == {"": 0}
    made = await watched.acme.create(asked("die"))
    ended = await watched.acme.finish(made["id"])
    assert ended["status"] == "failed"
    lost = (await watched.figures("runs_lost_total"))[""]
    assert lost >= 2, "each of its runs was, and the last one ended it"
    await eventually(watched.stack.healthy, "it serves again", 60)
