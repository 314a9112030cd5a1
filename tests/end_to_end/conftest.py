"""What the end-to-end tests share: a client, recordings, and a web server that holds them."""

import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from evaluation.serving import serving
from stack.client import Client
from tests.conftest import RECORDING, RunningStack, clip


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(stack: RunningStack, session: aiohttp.ClientSession) -> Client:
    return Client(session, stack.url, stack.token)


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(RECORDING.with_suffix(".json").read_text())
    return loaded


@pytest.fixture(scope="session")
def short_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the conversation, for tests to which the words do not matter."""
    return _write(tmp_path_factory.mktemp("audio") / "short.wav", seconds=6, times=1)


@pytest.fixture(scope="session")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The conversation many times over: long enough to be interrupted."""
    return _write(tmp_path_factory.mktemp("audio") / "long.wav", seconds=None, times=12)


def _write(path: Path, seconds: float | None, times: int) -> Path:
    with wave.open(str(RECORDING)) as source:
        rate = source.getframerate()
        frames = source.readframes(source.getnframes() if seconds is None else int(seconds * rate))
    with wave.open(str(path), "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes(frames * times)
    return path


@pytest.fixture
async def file_server() -> AsyncIterator[str]:
    """A real web server on loopback that serves the conversation, and errors."""

    async def recording(_: web.Request) -> web.FileResponse:
        return web.FileResponse(RECORDING)

    async def voice(_: web.Request) -> web.Response:
        return web.Response(body=clip("Peter"), content_type="audio/wav")

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>not audio</html>", content_type="text/html")

    async def empty(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes(
        [
            web.get("/conversation.wav", recording),
            web.get("/clip.wav", voice),
            web.get("/moved", moved),
            web.get("/page", page),
            web.get("/empty", empty),
        ]
    )
    async with serving(app) as url:
        yield url
