"""One trace from a client's request to its webhook, as a collector sees it."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from evaluation.serving import serving
from stack.settings import ROOT
from tests.conftest import RECORDING, start_stack, stop_stack
from tests.fixtures.collector import Collector, Seen, collecting

pytestmark = pytest.mark.timeout(240)
TRACE, CLIENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PREDICTION = "whisperx.prediction.id"
HIDDEN = "hidden-in-a-query"
STAGES = {"decode", "find_speech", "detect_language", "recognize", "align", "diarize"}


@asynccontextmanager
async def outside() -> AsyncIterator[tuple[str, list[tuple[str, Any]]]]:
    """A client's own server: the recording, and what its receiver got with which trace."""
    received: list[tuple[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        received.append((request.headers.get("traceparent", ""), await request.json()))
        return web.Response()

    async def give(_: web.Request) -> web.FileResponse:
        return web.FileResponse(RECORDING)

    app = web.Application()
    app.router.add_post("/hook", take)
    app.router.add_get("/talk.wav", give)
    async with serving(app) as url:
        yield url, received


async def until(condition: Any, what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


def named(collector: Collector, name: str) -> list[Seen]:
    return [span for span in collector.spans if span.name == name and span.trace == TRACE]


@pytest.mark.slow
async def test_a_prediction_is_one_tree_from_the_request_to_the_webhook(tmp_path: Path) -> None:
    async with collecting() as collector, outside() as (server, received):
        stack = await asyncio.to_thread(
            start_stack,
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        try:
            body = {
                "input": {"audio_file": f"{server}/talk.wav?key={HIDDEN}"},
                "webhook": f"{server}/hook?key={HIDDEN}",
                "webhook_events_filter": ["completed"],
            }
            headers = {
                "Authorization": f"Bearer {stack.token}",
                "traceparent": f"00-{TRACE}-{CLIENT}-01",
            }
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{stack.url}/v1/predictions", json=body, headers=headers) as answer,
            ):
                assert answer.status == 201
                prediction = (await answer.json())["id"]
            await until(lambda: received, "the receiver got it")
            assert received[0][1]["status"] == "succeeded", received
            await until(lambda: named(collector, "webhook"), "the webhook's span has arrived")
            await until(lambda: named(collector, "stage recognize"), "the stages' have arrived")
        finally:
            await asyncio.to_thread(stop_stack, stack)
    ((traceparent, record),) = received
    assert_tree(collector, prediction)
    (webhook,) = named(collector, "webhook")
    assert traceparent == f"00-{TRACE}-{webhook.id}-01"
    spoken = {word for segment in record["output"]["segments"] for word in segment["text"].split()}
    longest = max(spoken, key=len)
    for span in collector.spans:
        for secret in (HIDDEN, stack.token, stack.webhook_secret, longest):
            assert secret not in span.raw, (span.name, secret)


def assert_tree(collector: Collector, prediction: str) -> None:
    spans = [span for span in collector.spans if span.trace == TRACE]
    by_id = {span.id: span for span in spans}
    (request,) = named(collector, "POST /predictions")
    assert request.parent == CLIENT
    assert request.attributes["http.request.method"] == "POST"
    assert request.attributes["http.response.status_code"] == 201
    assert [span.name for span in spans if span.parent not in by_id] == ["POST /predictions"]
    children = {span.name for span in spans if span.parent == request.id}
    assert children == {"queue", "fetch", "run", "webhook"}
    (run,) = named(collector, "run")
    assert run.attributes["whisperx.run.status"] == "succeeded"
    stages = [span for span in spans if span.name.startswith("stage ")]
    assert {span.attributes["whisperx.stage"] for span in stages} == STAGES
    for stage in stages:
        above = [by_id[stage.parent]]
        while above[-1].id != run.id:
            above.append(by_id[above[-1].parent])
        assert above[0].service == "cog"
        assert run.seconds[0] - 0.1 <= stage.seconds[0] <= stage.seconds[1]
        assert stage.seconds[1] <= run.seconds[1] + 0.1
    assert {span.service for span in spans} == {"whisperx-bridge", "cog"}
    for span in [request, *stages, *(named(collector, name)[0] for name in children)]:
        assert span.attributes[PREDICTION] == prediction, span.name


def test_without_a_collector_nothing_is_sent_or_loaded_for_it() -> None:
    code = """
import asyncio, json, sys
import bridge.app
from bridge.tasks import tracing
async def work():
    async with tracing.tracing(""):
        with tracing.span("x", "") as span:
            span.set({"a": 1})
asyncio.run(work())
print(json.dumps([name for name in sys.modules if name.startswith("opentelemetry.exporter")]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == []
