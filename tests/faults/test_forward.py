"""`CLIENT_WEBHOOKS=forward`: the rule of the system that this one replaces, to the letter."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from benchmarks.fault_stack import PREDICTOR
from evaluation import recordings
from evaluation.serving import serving
from stack.client import Client
from tests.conftest import RunningStack, start_stack, stop_stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def forwarding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = start_stack(
        tmp_path_factory.mktemp("forwarding"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        CLIENT_WEBHOOKS="forward",
        ALLOW_ANONYMOUS="1",
    )
    yield running
    stop_stack(running)


class Receiver:
    """What the client's own server was sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def until(self, number: int) -> None:
        async with asyncio.timeout(20):
            while len(self.bodies) < number:
                await asyncio.sleep(0.05)

    async def receive(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        return web.Response()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_post("/hook", found.receive)
    async with serving(app) as url:
        found.url = f"{url}/hook"
        yield found


@pytest.fixture
async def client(forwarding: RunningStack) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, forwarding.url, forwarding.token)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    content = recordings.write(tmp_path / "second.wav", 1).read_bytes()
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"


async def post(stack: RunningStack, body: dict[str, Any]) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"Bearer {stack.token}"}
    url = f"{stack.url}/predictions"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        return response.status, await response.json(content_type=None), response.headers


async def test_both_fields_reach_cog_and_nothing_is_stored(
    forwarding: RunningStack, receiver: Receiver, uri: str
) -> None:
    body = {
        "id": "forwarded-1",
        "input": {"audio_file": uri, "language": None},
        "webhook": receiver.url,
        "webhook_events_filter": ["completed"],
    }
    status, answer, _ = await post(forwarding, body)
    assert status == 202
    assert answer["id"] == "forwarded-1"
    await receiver.until(1)
    assert [found["status"] for found in receiver.bodies] == ["succeeded"]
    assert receiver.bodies[0]["id"] == "forwarded-1"
    assert "webhook-signature" not in {name.lower() for name in receiver.headers[0]}
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {forwarding.token}"}
        url = f"{forwarding.url}/predictions/forwarded-1"
        async with session.get(url, headers=headers) as response:
            assert response.status == 404


async def test_busy_is_503_with_retry_after(
    forwarding: RunningStack, receiver: Receiver, uri: str
) -> None:
    body = {
        "input": {"audio_file": uri, "initial_prompt": "sleep=4"},
        "webhook": receiver.url,
        "webhook_events_filter": ["completed"],
    }
    assert (await post(forwarding, body))[0] == 202
    status, _, headers = await post(forwarding, body)
    assert status == 503
    assert int(headers["Retry-After"]) > 0
    await receiver.until(1)


async def test_one_field_alone_is_recorded_as_usual(
    client: Client, receiver: Receiver, uri: str
) -> None:
    created = await client.create({"input": {"audio_file": uri}, "webhook": receiver.url})
    ended = await client.finish(created["id"])
    assert ended["status"] == "succeeded"
    await receiver.until(2)
    assert {found["status"] for found in receiver.bodies} == {"processing", "succeeded"}


async def test_whoever_has_no_token_is_recorded_as_usual(
    forwarding: RunningStack, receiver: Receiver, uri: str
) -> None:
    body = {
        "input": {"audio_file": uri},
        "webhook": receiver.url,
        "webhook_events_filter": ["completed"],
    }
    async with aiohttp.ClientSession() as session:
        nobody = Client(session, forwarding.url, "")
        ended = await nobody.finish((await nobody.create(body))["id"])
    assert ended["status"] == "succeeded"
    await receiver.until(1)
    assert "webhook-signature" in {name.lower() for name in receiver.headers[0]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": "text"}, 422),
        ({"input": {}}, 422),
        ({"webhook": "http://10.0.0.1/hook"}, 422),
        ({"webhook_events_filter": ["nothing"]}, 422),
        ({"version": "other"}, 422),
        ({"id": "../x"}, 422),
        ({"input": {"audio_file": "http://192.168.0.1/a.wav"}}, 422),
        ({"input": {"audio_file": "http://127.0.0.1:9/a.wav"}}, 422),
        ({"input": {"audio_file": "/etc/passwd"}}, 422),
    ],
)
async def test_bad_requests_are_refused_here_too(
    forwarding: RunningStack, receiver: Receiver, uri: str, change: dict[str, Any], status: int
) -> None:
    body = {
        "input": {"audio_file": uri},
        "webhook": receiver.url,
        "webhook_events_filter": ["completed"],
        **change,
    }
    assert (await post(forwarding, body))[0] == status
