"""Queues that the releases before wrote are worked off, and nothing of them is unpickled."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.fault_stack import PREDICTOR, receiving
from evaluation import recordings
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RunningStack, start_stack, stop_stack
from tests.fixtures import lone, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@contextlib.asynccontextmanager
async def upgraded(
    folder: Path, name: str, receiver: str = written.NOBODY
) -> AsyncIterator[tuple[RunningStack, list[str]]]:
    """A stack of this tree over what another one wrote, and the ids of its predictions."""
    port = free_port()
    url, files = f"redis://127.0.0.1:{port}/0", folder / "files"
    files.mkdir()
    second = recordings.write(folder / "second.wav", 1).read_bytes()
    with lone.redis(folder, port):
        async with Redis.from_url(url) as redis:
            ids = await written.write(redis, written.read(name), receiver)
            for prediction_id in ids:
                record = json.loads(await redis.hget(f"prediction:{prediction_id}", "record") or "")
                (files / record["recording"]).write_bytes(second)
        given = {"REDIS_URL": url, "FILES_DIR": str(files), "COG_PREDICT_TYPE_STUB": PREDICTOR}
        stack = start_stack(folder, **given)
        try:
            yield stack, ids
        finally:
            stop_stack(stack)


async def _ends(stack: RunningStack, ids: list[str]) -> list[tuple[str, bool]]:
    """How each prediction ended, and whether it had a deadline, which is over by now."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, stack.url, stack.token)
        ended = [await client.finish(prediction_id) for prediction_id in ids]
    return [(one["status"], one["deadline"] is not None) for one in ended]


async def test_the_queue_of_the_tree_before_the_rooms_is_worked_off(tmp_path: Path) -> None:
    # Sooner than the sweep that comes once a minute.
    async with upgraded(tmp_path, "queue-before-0.1.0.json") as (stack, ids), asyncio.timeout(40):
        assert len(ids) == 4
        for status, has_deadline in await _ends(stack, ids):
            assert status == "succeeded" or (has_deadline and status == "canceled")


async def test_of_a_hundred_tasks_that_were_pickled_none_is_lost(tmp_path: Path) -> None:
    async with (
        receiving() as receiver,
        upgraded(tmp_path, "queue-0.1.0.json.gz", receiver.url) as (stack, ids),
        asyncio.timeout(120),
    ):
        assert len(ids) == 103
        ends = await _ends(stack, ids)
        # Three were canceled while they waited; ten have deadlines.
        canceled = sum(status == "canceled" for status, _ in ends)
        assert canceled <= 13
        assert sum(status == "succeeded" for status, _ in ends) == 103 - canceled
        while len(receiver.received) < 3:
            await asyncio.sleep(0.1)
    assert "refused a task in Redis" in stack.log("bridge")
