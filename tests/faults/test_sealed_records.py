"""Records are what a bridge wrote, whoever writes to Redis; and secrets change without a loss."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.fault_stack import PREDICTOR
from bridge.records.upgrade import SEALED
from stack.client import ApiError, Client
from stack.settings import free_port
from tests.conftest import clip, clip_uri, start_stack, stop_stack, wait_until
from tests.fixtures import lone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
OLD, NEW = "the-old-webhook-secret", "the-new-webhook-secret"


@pytest.fixture
def redis_port() -> int:
    return free_port()


@pytest.fixture
async def redis(tmp_path: Path, redis_port: int) -> AsyncIterator[Redis]:
    with lone.redis(tmp_path, redis_port):
        async with Redis(port=redis_port, decode_responses=True) as client:
            yield client


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def _until_sealed(folder: Path) -> None:
    """From now on the bridge takes nothing without a seal."""
    wait_until((folder / "files" / SEALED).exists, "all in Redis is sealed")


async def _create(client: Client, prompt: str = "") -> str:
    body = {"input": {"audio_file": clip_uri("Peter"), "initial_prompt": prompt}}
    return str((await client.create(body))["id"])


def _changed(document: str, **changes: Any) -> str:
    """The record with other values, under the seal that it had."""
    seal, _, text = document.partition(":")
    return f"{seal}:{json.dumps({**json.loads(text), **changes})}"


async def test_a_record_cannot_be_pointed_at_anothers_recording(
    tmp_path: Path, redis_port: int, redis: Redis, session: aiohttp.ClientSession
) -> None:
    with lone.bridge(tmp_path, redis_port) as bridge:
        _until_sealed(tmp_path)
        client = Client(session, bridge.url, lone.TOKEN)
        mine, theirs = await _create(client), await _create(client)
        key, document = f"prediction:{mine}", await redis.hget(f"prediction:{mine}", "record")
        victim = await redis.hget(f"prediction:{theirs}", "record")
        assert isinstance(document, str)
        assert isinstance(victim, str)
        recording = json.loads(victim.partition(":")[2])["recording"]
        forged = (
            _changed(document, recording=recording),
            _changed(document, webhook="http://127.0.0.1:9/", webhook_events=["completed"]),
            document.partition(":")[2],  # as the release before wrote it
            _changed(victim, id=mine),
            victim,
            f"{'0' * 64}:{document.partition(':')[2]}",
            "",
            "{}",
            "\ud7ff",
        )
        for value in forged:
            await redis.hset(key, "record", value)
            with pytest.raises(ApiError):
                await client.get(mine)
        await redis.hset(key, "record", document)
        assert (await client.get(mine))["id"] == mine
        assert (await client.get(theirs))["id"] == theirs
        assert bridge.log().count("refused a record in Redis") >= len(forged)


async def test_a_file_and_its_list_are_a_bridges_own(
    tmp_path: Path, redis_port: int, redis: Redis, session: aiohttp.ClientSession
) -> None:
    with lone.bridge(tmp_path, redis_port) as bridge:
        _until_sealed(tmp_path)
        headers = {"Authorization": f"Bearer {lone.TOKEN}"}
        form = aiohttp.FormData()
        form.add_field("content", clip("Peter"), filename="a.wav")
        files = f"{bridge.url}/v1/files"
        async with session.post(files, data=form, headers=headers) as answer:
            made = (await answer.json())["id"]
        described = await redis.get(f"file:{made}")
        assert isinstance(described, str)
        for value in (described.partition(":")[2], described.replace("a.wav", "b.wav"), "[]"):
            await redis.set(f"file:{made}", value)
            async with session.get(f"{files}/{made}", headers=headers) as answer:
                assert answer.status == 404
            async with session.get(files, headers=headers) as answer:
                assert (await answer.json())["results"] == []


async def test_a_secret_is_changed_without_a_loss(
    tmp_path: Path, redis_port: int, redis: Redis, session: aiohttp.ClientSession
) -> None:
    with lone.bridge(tmp_path, redis_port, WEBHOOK_SECRET=OLD) as bridge:
        client = Client(session, bridge.url, lone.TOKEN)
        ids = [await _create(client, f"number {number}") for number in range(20)]
        stream = (await client.get(ids[0]))["urls"]["stream"]
    document = await redis.hget(f"prediction:{ids[0]}", "record")
    with lone.bridge(tmp_path, redis_port, WEBHOOK_SECRET=f"{NEW},{OLD}") as bridge:
        client = Client(session, bridge.url, lone.TOKEN)
        for one in ids:
            assert (await client.get(one))["status"] == "starting"
        async with session.get(bridge.url + stream[stream.index("/v1") :]) as answer:
            assert answer.status == 200
        wait_until(lambda: "earlier bridges wrote" in bridge.log(), "all is sealed anew")
    assert await redis.hget(f"prediction:{ids[0]}", "record") != document
    given = {"REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "COG_PREDICT_TYPE_STUB": PREDICTOR}
    stack = start_stack(tmp_path, WEBHOOK_SECRET=NEW, **given)
    try:
        client = Client(session, stack.url, stack.token)
        async with session.get(stack.url + stream[stream.index("/v1") :]) as answer:
            assert answer.status == 403, "the link ends with the secret that signed it"
        async with asyncio.timeout(90):
            ended = [await client.finish(one) for one in ids]
    finally:
        stop_stack(stack)
    assert [one["status"] for one in ended] == ["succeeded"] * len(ids)
    texts = [one["output"]["segments"][0]["text"] for one in ended]
    assert texts == [f"number {number}" for number in range(len(ids))]


async def test_bridges_on_one_redis_change_their_secret_one_after_the_other(
    tmp_path: Path, redis_port: int, redis: Redis, session: aiohttp.ClientSession
) -> None:
    def started(name: str, secret: str) -> AbstractContextManager[lone.LoneBridge]:
        (tmp_path / name).mkdir(exist_ok=True)
        files = str(tmp_path / "files")
        return lone.bridge(tmp_path / name, redis_port, WEBHOOK_SECRET=secret, FILES_DIR=files)

    steps = [OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW]
    made: list[str] = []
    for before, after in pairwise(steps):
        with started("one", before) as one, started("two", after) as two:
            clients = [Client(session, bridge.url, lone.TOKEN) for bridge in (one, two)]
            made += [await _create(client) for client in clients]
            for client in clients:
                for known in made:
                    assert (await client.get(known))["status"] == "starting", (before, after)
            log = one.log() + two.log()
        assert "refused" not in log


async def test_what_another_secret_sealed_is_nobodys(
    tmp_path: Path, redis_port: int, redis: Redis, session: aiohttp.ClientSession
) -> None:
    with lone.bridge(tmp_path, redis_port, WEBHOOK_SECRET=OLD) as bridge:
        one = await _create(Client(session, bridge.url, lone.TOKEN))
    assert await redis.hget(f"prediction:{one}", "record")
    with lone.bridge(tmp_path, redis_port, WEBHOOK_SECRET=NEW) as bridge, pytest.raises(ApiError):
        await Client(session, bridge.url, lone.TOKEN).get(one)
