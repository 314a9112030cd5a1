"""A queue that the release before wrote is worked off: names and shapes in Redis are data.

``data/queue-before-0.1.0.json`` holds the keys that the tree before the rooms of `bridge/` left
behind: four predictions, accepted while Cog was away. Binary values are base64.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.fault_stack import PREDICTOR
from evaluation import recordings
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RunningStack, start_stack, stop_stack
from tests.fixtures import lone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
WRITTEN = json.loads((Path(__file__).parent / "data" / "queue-before-0.1.0.json").read_text())
IDS = sorted(key.partition(":")[2] for key in WRITTEN if key.startswith("prediction:"))


def plain(value: str) -> bytes:
    return base64.b64decode(value)


async def write(redis: Redis, key: str, kind: str, value: Any) -> None:
    match kind:
        case "hash":
            await redis.hset(key, mapping={name: plain(text) for name, text in value.items()})
        case "zset":
            await redis.zadd(key, {plain(member): score for member, score in value})
        case "stream":
            for entry, members in value["entries"]:
                fields: Any = {name: plain(text) for name, text in members.items()}
                await redis.xadd(key, fields, id=entry)
            for group in value["groups"]:
                await redis.xgroup_create(key, group, "0", mkstream=True)
        case _:
            raise AssertionError(f"{key} is a {kind}")


@pytest.fixture
async def upgraded(tmp_path: Path) -> AsyncIterator[RunningStack]:
    port = free_port()
    url, files = f"redis://127.0.0.1:{port}/0", tmp_path / "files"
    files.mkdir()
    with lone.redis(tmp_path, port):
        async with Redis.from_url(url) as redis:
            for key, told in WRITTEN.items():
                await write(redis, key, told["type"], told["value"])
            for prediction_id in IDS:
                record = json.loads(await redis.hget(f"prediction:{prediction_id}", "record") or "")
                recordings.write(files / record["recording"], 1)
        given = {"REDIS_URL": url, "FILES_DIR": str(files), "COG_PREDICT_TYPE_STUB": PREDICTOR}
        stack = start_stack(tmp_path, **given)
        yield stack
        stop_stack(stack)


async def test_the_queue_of_the_release_before_is_worked_off(upgraded: RunningStack) -> None:
    assert len(IDS) == 4
    # Sooner than the sweep, which queues again what docket does not know.
    async with asyncio.timeout(40), aiohttp.ClientSession() as session:
        client = Client(session, upgraded.url, upgraded.token)
        for prediction_id in IDS:
            async for found in client.follow(prediction_id):
                last = found
            # One has a deadline of its own, which was over soon after it was recorded.
            expected = ("succeeded", "canceled") if last["deadline"] else ("succeeded",)
            assert last["status"] in expected, last
