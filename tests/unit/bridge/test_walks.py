"""Whoever follows a request through the code comes back to few modules, as decision 080 has it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from bridge.app import serving
from bridge.records.keys import PENDING
from bridge.settings import Settings
from tests.clients.helpers import URI, WAV, eventually
from tests.fixtures.walks import walking

TOKEN = "0123456789abcdef"


@pytest.fixture
async def client(
    redis: Redis, address: str, tmp_path: Path
) -> AsyncIterator[aiohttp.ClientSession]:
    """Of a bridge in this process. It has no Cog: what is accepted waits."""
    assert not await redis.dbsize()
    settings = Settings(
        tokens=TOKEN,
        webhook_secret=TOKEN,
        redis_url=address,
        files_dir=tmp_path,
        host="127.0.0.1",
        port=0,
        internal_port=0,
        metrics_port=0,
        sync_timeout=1,  # a request that waits longer would delay the bridge's end
        allowed_private_hosts="127.0.0.1",
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        serving(settings) as addresses,
        aiohttp.ClientSession(addresses.public, headers=headers) as opened,
    ):
        yield opened


async def post(client: aiohttp.ClientSession, path: str, **sent: Any) -> Any:
    async with client.post(path, **sent) as answer:
        assert answer.ok, await answer.text()
        return await answer.json()


async def test_replicates_route_to_its_answer(client: aiohttp.ClientSession) -> None:
    with walking("create", "bridge/api/") as walk:
        await post(client, "/v1/predictions", json={"input": {"audio_file": URI}})
    assert 0 < walk.returns <= 6, str(walk)


async def test_openais_route_to_the_intake(client: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData()
    form.add_field("file", WAV, filename="talk.wav")
    form.add_field("model", "whisper-1")
    with walking("transcribe", "bridge/api/", end="Intake.accept") as walk:
        asking = asyncio.create_task(post(client, "/v1/audio/transcriptions", data=form))
        await eventually(lambda: walk.ended or asking.done(), "the request is accepted")
    assert not asking.done()
    asking.cancel()
    assert 0 < walk.returns <= 4, str(walk)


async def test_a_cancel_to_its_answer_and_its_webhook(
    client: aiohttp.ClientSession, redis: Redis
) -> None:
    async def accept(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/", accept)
    async with TestServer(app) as receiver:
        body = {"input": {"audio_file": URI}, "webhook": str(receiver.make_url("/"))}
        made = await post(client, "/v1/predictions", json=body)
        with walking("cancel", "bridge/api/", "bridge/tasks/lifecycle") as canceled:
            await post(client, f"/v1/predictions/{made['id']}/cancel")
        with walking("Transfers.deliver", "bridge/tasks/") as delivered:
            async with asyncio.timeout(20):
                while await redis.zcard(PENDING):
                    await asyncio.sleep(0.01)
    assert 0 < canceled.returns <= 5, str(canceled)
    assert 0 < delivered.returns <= 3, str(delivered)
