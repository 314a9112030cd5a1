"""The bridge beside a collector that is away, that hangs, or that wants to be asked otherwise."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from stack.settings import free_port
from tests.clients.helpers import eventually
from tests.conftest import clip_uri
from tests.fixtures import lone
from tests.fixtures.collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
CLIENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
GONE = "bridge.tasks.tracing: OTEL_EXPORTER_OTLP_ENDPOINT: nobody takes traces"
BACK = "bridge.tasks.tracing: OTEL_EXPORTER_OTLP_ENDPOINT: traces are taken again"


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with lone.redis(tmp_path, port):
        yield port


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {lone.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as opened:
        yield opened


async def accepted(bridge: lone.LoneBridge, session: aiohttp.ClientSession, count: int) -> None:
    body = {"input": {"audio_file": clip_uri("Peter")}}
    for _ in range(count):
        async with session.post(f"{bridge.url}/v1/predictions", json=body) as answer:
            assert answer.status == 201


@asynccontextmanager
async def bridge_beside(
    folder: Path, redis_port: int, port: int, **more: str
) -> AsyncIterator[lone.LoneBridge]:
    """A bridge that sends its spans to ``port`` while the block runs."""
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", **SOON, **more}
    running = lone.bridge(folder, redis_port, **given)
    bridge = await asyncio.to_thread(running.__enter__)
    try:
        yield bridge
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def test_a_collector_that_is_away_is_told_once_and_so_is_its_return(
    tmp_path: Path, redis_port: int, session: aiohttp.ClientSession
) -> None:
    port = free_port()
    async with bridge_beside(tmp_path, redis_port, port) as bridge:
        async with asyncio.timeout(60):
            for _ in range(2):  # batches that are lost
                await accepted(bridge, session, 10)
                await eventually(lambda: GONE in bridge.log(), "it says so")
        async with collecting(port) as collector:
            await accepted(bridge, session, 1)
            await eventually(lambda: BACK in bridge.log() and collector.spans, "it is back")
            said = bridge.log()
    assert (said.count(GONE), said.count(BACK)) == (1, 1)
    assert "opentelemetry" not in said


async def test_a_collector_that_hangs_holds_nothing_up(
    tmp_path: Path, redis_port: int, session: aiohttp.ClientSession
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        port = silent.getsockname()[1]
        patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
        async with bridge_beside(tmp_path, redis_port, port, **patient) as bridge:
            async with asyncio.timeout(20):
                await accepted(bridge, session, 20)
            held, _ = await asyncio.to_thread(silent.accept)
            ending = time.monotonic()  # while a try is under way
        held.close()
        assert time.monotonic() - ending < 8, "two seconds for what is left, and its own end"


async def test_requests_that_only_look_are_traced_for_a_client_that_traces(
    tmp_path: Path, redis_port: int, session: aiohttp.ClientSession
) -> None:
    async with collecting() as collector:
        headers = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector"}
        port = collector.port
        async with bridge_beside(tmp_path, redis_port, port, **headers) as bridge:
            for sent in ({}, CLIENT):
                async with session.get(f"{bridge.url}/v1/account", headers=sent) as answer:
                    assert answer.status == 200
        assert [(span.name, span.trace) for span in collector.spans] == [("GET /account", TRACE)]
        assert collector.tokens == {"Bearer of-the-collector"}


async def test_opentelemetrys_own_sampler_decides(
    tmp_path: Path, redis_port: int, session: aiohttp.ClientSession
) -> None:
    async with collecting() as collector:
        off = {"OTEL_TRACES_SAMPLER": "always_off"}
        async with (
            bridge_beside(tmp_path, redis_port, collector.port, **off) as bridge,
            session.get(f"{bridge.url}/v1/account", headers=CLIENT) as answer,
        ):
            assert answer.status == 200
        assert collector.spans == []
