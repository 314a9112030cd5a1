"""A bridge that stops says so, answers to the end, and leaves nothing undone."""

import asyncio
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fault_stack import PREDICTOR
from stack.client import Client
from tests.clients.helpers import eventually, receiving
from tests.conftest import RunningStack, clip_uri, start_stack, stop_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def readiness(stack: RunningStack) -> tuple[int, str]:
    """Status and body of the health check; (0, "") between two bridges."""
    try:
        with urllib.request.urlopen(f"{stack.url}/health-check", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def running(client: Client, body: dict[str, object]) -> str:
    created = await client.create(body)
    async for prediction in client.follow(created["id"]):
        if prediction["status"] == "processing":
            break
    return str(created["id"])


def asked(prompt: str) -> dict[str, object]:
    return {"audio_file": clip_uri("Peter"), "initial_prompt": prompt}


async def test_it_answers_and_delivers_until_its_run_has_ended(tmp_path: Path) -> None:
    stack = await asyncio.to_thread(start_stack, tmp_path, COG_PREDICT_TYPE_STUB=PREDICTOR)
    try:
        async with aiohttp.ClientSession() as session, receiving() as receiver:
            client = Client(session, stack.url, stack.token)
            hook = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
            runs = await running(client, {"input": asked("sleep=6"), **hook})
            before = stack.pid("bridge")
            os.kill(before, signal.SIGTERM)
            await eventually(lambda: readiness(stack)[0] == 503, "it says that it stops")
            assert '"DRAINING"' in readiness(stack)[1]
            async with session.get(stack.metrics_url) as answer:
                assert "\nwhisperx_draining 1.0\n" in await answer.text()
            assert (await client.get(runs))["status"] == "processing"
            queued = (await client.create({"input": asked("sleep=0")}))["id"]
            assert stack.pid("bridge") == before, "all of it was the bridge that stops"
            await eventually(lambda: stack.pid("bridge") != before, "it has ended", 60)
            (delivered,) = receiver.ends
            assert (delivered.body["id"], delivered.body["status"]) == (runs, "succeeded")
            await eventually(stack.healthy, "the next one serves", 60)
            assert (await client.finish(queued))["status"] == "succeeded"
    finally:
        await asyncio.to_thread(stop_stack, stack)
