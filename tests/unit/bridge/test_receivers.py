"""Receivers that hang delay nobody else's webhooks, on a real Redis and a real receiver."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from bridge.api.replicate.render import webhook_body
from bridge.links import Links
from bridge.records.prediction import Finished
from bridge.records.store import Store
from bridge.records.tenants import Key, Tenant
from bridge.settings import Settings
from bridge.tasks.webhooks import CROWD_PAUSE, RECEIVER_AT_ONCE, TENANT_AT_ONCE, Webhooks
from tests.clients.helpers import eventually
from tests.unit.bridge.test_render import prediction
from tests.unit.bridge.test_turns import NOW, SEALED

BUSY, QUIET = Tenant("busy"), Tenant("quiet")


class Hanging:
    """Hangs on /hang, whatever the address by which it is reached; accepts all else."""

    def __init__(self) -> None:
        self.held = self.accepted = 0
        self.ending = asyncio.Event()
        self.port = 0

    async def take(self, request: web.Request) -> web.Response:
        if request.path == "/hang":
            self.held += 1
            await self.ending.wait()
        self.accepted += 1
        return web.Response()

    def url(self, number: int, path: str) -> str:
        """One of many receivers: each of this machine's addresses is one."""
        return f"http://127.0.0.{number + 1}:{self.port}{path}"


@pytest.fixture
async def receiver() -> AsyncIterator[Hanging]:
    hanging, app = Hanging(), web.Application()
    app.router.add_post("/{path}", hanging.take)
    async with TestServer(app, host="0.0.0.0") as server:
        assert server.port is not None
        hanging.port = server.port
        yield hanging
        hanging.ending.set()


class Deliveries:
    """Webhooks of predictions that have ended."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        settings = Settings(
            tokens="0123456789abcdef",
            webhook_secret="0123456789abcdef",
            files_dir=folder,
            allowed_private_hosts="127.0.0.0/8",
        )
        self._store = Store(redis, SEALED, result_ttl=60, queue_limit=1000)
        self._number = 0
        render = partial(webhook_body, Links("secret"))
        self.webhooks = Webhooks(settings, self._store, redis, SEALED, render)

    async def ended(self, tenant: Tenant, url: str) -> Key:
        self._number += 1
        made = prediction(input={}, webhook=url, webhook_events=("completed",))
        made = replace(made, id=tenant.key(f"n{self._number}"))
        await self._store.create(made, {})
        await self._store.apply(made.id, Finished(1, "", {}), NOW, {})
        return made.id

    async def attempt(self, tenant: Tenant, url: str) -> object:
        return await self.webhooks.attempt(await self.ended(tenant, url), "completed")


async def test_what_was_accepted_is_not_sent_again(
    redis: Redis, receiver: Hanging, tmp_path: Path
) -> None:
    deliveries = Deliveries(redis, tmp_path)
    ended = await deliveries.ended(QUIET, receiver.url(0, "/accepted"))
    assert await deliveries.webhooks.attempt(ended, "completed") is None
    # As when a bridge was lost after it had delivered, and docket repeats its task.
    assert await deliveries.webhooks.attempt(ended, "completed") is None
    assert receiver.accepted == 1


@pytest.mark.parametrize(
    ("receivers", "most"),
    [(1, RECEIVER_AT_ONCE), (TENANT_AT_ONCE // RECEIVER_AT_ONCE, TENANT_AT_ONCE)],
)
async def test_a_tenants_receivers_that_hang_delay_no_other_tenant(
    redis: Redis, receiver: Hanging, tmp_path: Path, receivers: int, most: int
) -> None:
    deliveries = Deliveries(redis, tmp_path)
    under_way = [
        asyncio.create_task(deliveries.attempt(BUSY, receiver.url(number % receivers, "/hang")))
        for number in range(most)
    ]
    await eventually(lambda: receiver.held == most, "the receivers hang")
    new = receiver.url(receivers - 1 if receivers == 1 else receivers, "/hang")
    assert await deliveries.attempt(BUSY, new) == CROWD_PAUSE
    for number in range(receivers):
        assert await deliveries.attempt(QUIET, receiver.url(number, "/accepted")) is None
    receiver.ending.set()
    assert await asyncio.gather(*under_way) == [None] * most
    assert await deliveries.attempt(BUSY, new) is None, "all are free again"
