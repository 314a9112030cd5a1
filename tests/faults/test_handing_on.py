"""A stop hands on what it may not wait for: nothing of it is lost, or charged."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge.tasks.runs import MAX_ATTEMPTS
from evaluation.serving import serving
from stack.client import Client
from tests.clients.helpers import WAV, Receiver, asked, eventually, receiving
from tests.conftest import RunningStack, start_stack, stop_stack

PREDICTOR = "evaluation/predictors/company.py:Predictor"
DRAIN_SECONDS = 2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Stopping:
    """A stack whose bridge can be stopped, and who receives its webhooks."""

    stack: RunningStack
    client: Client
    receiver: Receiver

    async def create(self, wishes: str, **inputs: Any) -> str:
        hook = {"webhook": self.receiver.url, "webhook_events_filter": ["start", "completed"]}
        return str((await self.client.create({"input": asked(wishes, **inputs), **hook}))["id"])

    async def until_it_runs(self, prediction_id: str) -> None:
        async for prediction in self.client.follow(prediction_id):
            if prediction["status"] == "processing":
                return
        pytest.fail("it has ended")

    async def stop(self) -> float:
        """The seconds that the bridge took to end; the next one is there then."""
        before, began = self.stack.pid("bridge"), time.monotonic()
        os.kill(before, signal.SIGTERM)
        await eventually(lambda: self.stack.pid("bridge") != before, "it has ended", 60)
        seconds = time.monotonic() - began
        await eventually(self.stack.healthy, "the next one serves", 60)
        return seconds


@pytest.fixture
async def stopping(tmp_path: Path) -> AsyncIterator[Stopping]:
    given = {"COG_PREDICT_TYPE_STUB": PREDICTOR, "COG_SLOTS": "3", "LOG_LEVEL": "INFO"}
    stack = await asyncio.to_thread(
        start_stack, tmp_path, **given, DRAIN_SECONDS=str(DRAIN_SECONDS)
    )
    try:
        async with aiohttp.ClientSession() as session, receiving() as receiver:
            yield Stopping(stack, Client(session, stack.url, stack.token), receiver)
    finally:
        await asyncio.to_thread(stop_stack, stack)


async def test_runs_are_handed_on_in_time_as_often_as_it_takes(stopping: Stopping) -> None:
    created = [await stopping.create("sleep=10") for _ in range(3)]
    for _ in range(MAX_ATTEMPTS + 1):
        for each in created:
            await stopping.until_it_runs(each)
        assert DRAIN_SECONDS <= await stopping.stop() < DRAIN_SECONDS + 6
    ended = [await stopping.client.finish(each) for each in created]
    assert [each["status"] for each in ended] == ["succeeded"] * 3
    log = stopping.stack.log("bridge")
    assert "was lost" not in log
    assert log.count("is handed on") == 3 * (MAX_ATTEMPTS + 1)
    notes = [(call.body["id"], call.body["status"]) for call in stopping.receiver.calls]
    assert sorted(notes) == sorted(
        (each, status) for each in created for status in ("processing", "succeeded")
    )


async def test_one_that_is_canceled_between_two_bridges_never_runs_again(
    stopping: Stopping,
) -> None:
    wanted, unwanted = [await stopping.create("sleep=10") for _ in range(2)]
    for each in (wanted, unwanted):
        await stopping.until_it_runs(each)
    await stopping.stop()
    assert (await stopping.client.get(unwanted))["status"] == "starting"
    assert (await stopping.client.cancel(unwanted))["status"] == "canceled"
    assert (await stopping.client.finish(wanted))["status"] == "succeeded"
    assert (await stopping.client.get(unwanted))["status"] == "canceled"
    log = stopping.stack.log("bridge")
    assert [log.count(f"{each}: processing") for each in (wanted, unwanted)] == [2, 1]


async def test_a_download_is_handed_on_as_well(stopping: Stopping) -> None:
    asked_for = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal asked_for
        asked_for += 1
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(WAV)
        while asked_for == 1:  # never silent, never done
            await asyncio.sleep(0.5)
            await answer.write(bytes(2))
        return answer

    app = web.Application()
    app.router.add_get("/speech.wav", serve)
    async with serving(app) as url:
        created = await stopping.create("", audio_file=f"{url}/speech.wav")
        await eventually(lambda: asked_for == 1, "it is downloaded")
        assert await stopping.stop() < DRAIN_SECONDS + 6
        assert (await stopping.client.finish(created))["status"] == "succeeded"
    assert asked_for == 2
