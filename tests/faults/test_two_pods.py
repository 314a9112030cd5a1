"""Two bridges, two Cogs, one Redis, one folder of recordings: together one service."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from benchmarks.fault_stack import PREDICTOR
from bridge.cog.client import Cog
from evaluation import recordings
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RunningStack, start_stack, stop_stack
from tests.fixtures import lone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Pods = tuple[RunningStack, RunningStack]


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    port = free_port()
    shared = {
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "FILES_DIR": str(tmp_path / "files"),
        "COG_PREDICT_TYPE_STUB": PREDICTOR,
        "LOG_LEVEL": "INFO",
    }
    with lone.redis(tmp_path, port):
        stacks = []
        try:
            for name in ("one", "two"):
                (tmp_path / name).mkdir()
                stacks.append(start_stack(tmp_path / name, **shared))
            yield stacks[0], stacks[1]
        finally:
            for stack in stacks:
                if stack.process.poll() is None:
                    stop_stack(stack)


@pytest.fixture
async def clients(pods: Pods) -> AsyncIterator[tuple[Client, Client]]:
    async with aiohttp.ClientSession() as session:
        one, two = (Client(session, stack.url, stack.token) for stack in pods)
        yield one, two


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recordings.write(tmp_path / "second.wav", 1)


async def test_any_bridge_answers_for_any_prediction(
    pods: Pods, clients: tuple[Client, Client], recording: Path
) -> None:
    one, two = clients
    created = [
        await client.create_from_file(recording, initial_prompt="logs=5")
        for client in (one, two, one, two, one, two)
    ]
    ended = await asyncio.gather(*(two.finish(entry["id"]) for entry in created))
    assert [entry["status"] for entry in ended] == ["succeeded"] * 6
    for entry in ended:
        other = await one.get(entry["id"])
        assert {**other, "urls": None} == {**entry, "urls": None}


async def test_both_cogs_work_at_once(clients: tuple[Client, Client], recording: Path) -> None:
    one, _ = clients
    created = [await one.create_from_file(recording, initial_prompt="sleep=2") for _ in range(4)]
    ended = await asyncio.gather(*(one.finish(entry["id"]) for entry in created))
    intervals = sorted((entry["started_at"], entry["completed_at"]) for entry in ended)
    assert intervals[1][0] < intervals[0][1], "the second began before the first had ended"


async def test_a_prediction_is_cancelled_through_the_other_bridge(
    clients: tuple[Client, Client], recording: Path
) -> None:
    one, two = clients
    created = await one.create_from_file(recording, initial_prompt="sleep=60")
    async for prediction in one.follow(created["id"]):
        if prediction["status"] == "processing":
            break
    await two.cancel(created["id"])
    async with asyncio.timeout(30):
        assert (await one.finish(created["id"]))["status"] == "canceled"


async def test_a_pod_that_dies_loses_nothing(
    pods: Pods, clients: tuple[Client, Client], recording: Path
) -> None:
    one, two = clients
    created: list[dict[str, Any]] = [
        await client.create_from_file(recording, initial_prompt="sleep=1")
        for client in (one, one, one, two, one, two)
    ]
    kill_pod(pods[0])
    ended = await asyncio.gather(*(two.finish(entry["id"]) for entry in created))
    assert [entry["status"] for entry in ended] == ["succeeded"] * 6


def kill_pod(stack: RunningStack) -> None:
    """Everything at once, as when a node is gone; the supervisor first, or it would help."""
    for process in (stack.process.pid, stack.pid("bridge")):
        os.kill(process, signal.SIGKILL)
    os.killpg(stack.pid("cog"), signal.SIGKILL)
    stack.process.wait(10)


async def test_the_run_of_a_pod_that_stops_is_no_other_ones(
    pods: Pods, clients: tuple[Client, Client], recording: Path
) -> None:
    # Longer than a task may be held without a sign of life.
    client = clients[0]
    created = await client.create_from_file(recording, initial_prompt="sleep=24")
    async for prediction in client.follow(created["id"]):
        if prediction["status"] == "processing":
            break
    busy = [await runs_something(stack) for stack in pods]
    assert sorted(busy) == [False, True]
    os.kill(pods[busy.index(True)].pid("bridge"), signal.SIGTERM)
    ended = await clients[busy.index(False)].finish(created["id"])
    assert ended["status"] == "succeeded"
    log = "".join(stack.log("bridge") for stack in pods)
    assert log.count(f"{created['id']}: processing") == 1


async def runs_something(stack: RunningStack) -> bool:
    async with aiohttp.ClientSession() as session:
        return (await Cog(session, stack.cog_url).health()).status == "BUSY"
