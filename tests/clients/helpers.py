"""What the client tests share: recordings, the API by plain HTTP, a receiver of webhooks."""

import asyncio
import base64
import contextlib
import io
import json
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from evaluation.serving import serving
from tests.conftest import RunningStack

MODEL = "whisperx/whisperx-stack"  # the default of MODEL_NAME
MIB = 1 << 20
TERMINAL = {"succeeded", "failed", "canceled"}
PREDICTOR = "evaluation/predictors/timed.py:Predictor"
Json = dict[str, Any]


def wav(seconds: float = 0.5) -> bytes:
    """A silent recording, 16 kHz."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(seconds * 16_000)))
    return buffer.getvalue()


def data_uri(content: bytes) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"


WAV: Final = wav()
URI: Final = data_uri(WAV)


def asked(wishes: str = "", **more: Any) -> Json:
    """Inputs that make the timed predictor do what ``wishes`` says."""
    return {"audio_file": URI, "initial_prompt": wishes, **more}


def expected_output(wishes: str = "", size: int = len(WAV)) -> Json:
    """What the timed predictor answers."""
    return {
        "segments": [{"start": 0.0, "end": 0.5, "text": wishes or "hello"}],
        "detected_language": "en",
        "language_probability": 1.0,
        "duration": 0.5,
        "speaker_embeddings": None,
        "warnings": [f"{size} bytes"],
    }


async def eventually(
    condition: Callable[[], object], what: str, seconds: float = 30.0, pause: float = 0.02
) -> None:
    """`wait_until` for tests whose own event loop has to go on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(pause)
    pytest.fail(f"not within {seconds:g} s: {what}")


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any


class Api:
    """The bridge by plain HTTP, every answer as it came."""

    def __init__(self, session: aiohttp.ClientSession, stack: RunningStack) -> None:
        self._session: Final = session
        self.stack: Final = stack

    async def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> Answer:
        """``path`` may be an absolute URL; JSON bodies are parsed, others are bytes."""
        url = path if path.startswith("http") else self.stack.url + path
        sent = {"Authorization": f"Bearer {self.stack.token}", **(headers or {})}
        if "json" in arguments:
            # aiohttp warns where a large body is not a stream.
            sent.setdefault("Content-Type", "application/json")
            arguments["data"] = io.BytesIO(json.dumps(arguments.pop("json")).encode())
        async with self._session.request(
            method, url, headers=sent, allow_redirects=False, **arguments
        ) as response:
            content = await response.read()
            body: Any = content
            if "json" in response.content_type:
                body = json.loads(content)
            return Answer(response.status, body, response.headers)

    async def create(
        self, wishes: str = "", headers: dict[str, str] | None = None, **body: Any
    ) -> Json:
        """A new prediction."""
        document = {"input": asked(wishes), **body}
        answer = await self.call("POST", "/v1/predictions", headers, json=document)
        assert answer.status == 201, answer.body
        created: Json = answer.body
        return created

    async def get(self, prediction_id: str) -> Json:
        answer = await self.call("GET", f"/v1/predictions/{prediction_id}")
        assert answer.status == 200, answer.body
        found: Json = answer.body
        return found

    async def cancel(self, prediction_id: str) -> Json:
        answer = await self.call("POST", f"/v1/predictions/{prediction_id}/cancel")
        assert answer.status == 200, answer.body
        found: Json = answer.body
        return found

    async def until(self, prediction_id: str, statuses: Iterable[str], seconds: float = 30) -> Json:
        """The prediction as soon as its status is one of ``statuses``."""
        wanted = set(statuses)
        seen: Json = {}
        async with asyncio.timeout(seconds):
            while (seen := await self.get(prediction_id))["status"] not in wanted:
                await asyncio.sleep(0.03)
        return seen

    async def finish(self, prediction_id: str, seconds: float = 30) -> Json:
        return await self.until(prediction_id, TERMINAL, seconds)


@dataclass
class Call:
    """A webhook that arrived."""

    at: float
    headers: dict[str, str]
    raw: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> Json:
        parsed: Json = json.loads(self.raw)
        return parsed


@dataclass
class Receiver:
    """A real web server that takes webhooks and answers as it is set to.

    ``answers`` are the statuses of the next answers to news of an end; once they are used up it
    answers 200, as it does to all other news. A status of 0 stands for an answer that never comes.
    """

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""

    @property
    def ends(self) -> list[Call]:
        """The calls about an end."""
        return [call for call in self.calls if call.body["status"] in TERMINAL]

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(time.monotonic(), headers, (await request.read()).decode())
        self.calls.append(call)
        status = self.answers.pop(0) if self.answers and call in self.ends else 200
        if status == 0:
            await asyncio.Event().wait()
        return web.Response(
            status=status, headers={"Location": self.location} if self.location else {}
        )


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    async with serving(app) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@contextlib.asynccontextmanager
async def cutting(target: str, connections: int = 1) -> AsyncIterator[str]:
    """A proxy that breaks the first connections once their request has been answered.

    The server has done what was asked, and the client never learns of it. When the block ends,
    all connections break.
    """
    host, port = target.removeprefix("http://").split(":")
    cuts = connections
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal cuts
        writers.append(writer)
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        forward = asyncio.create_task(_pump(reader, upstream_writer))
        try:
            while answer := await upstream_reader.read(65536):
                if cuts:
                    cuts -= 1
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
        finally:
            forward.cancel()
            upstream_writer.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in writers:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()


def new_id() -> str:
    return f"test-{uuid4().hex}"


async def created_since(api: Api, moment: datetime) -> set[str]:
    """Ids of all predictions created after ``moment``."""
    query = {"created_after": moment.isoformat()}
    answer = await api.call("GET", "/v1/predictions", params=query)
    return {listed["id"] for listed in answer.body["results"]}


async def upload(api: Api, content: bytes = WAV, name: str = "speech.wav") -> Json:
    form = aiohttp.FormData()
    form.add_field("content", io.BytesIO(content), filename=name, content_type="audio/wav")
    form.add_field("metadata", '{"kind": "speech"}', content_type="application/json")
    answer = await api.call("POST", "/v1/files", data=form)
    assert answer.status == 201, answer.body
    uploaded: Json = answer.body
    return uploaded


async def events_of(response: aiohttp.ClientResponse) -> list[tuple[str, str, str]]:
    """(event, id, data) of all events; comments count as events named ``:``."""
    found = []
    for block in (await response.text()).split("\n\n"):
        fields: dict[str, Any] = {"event": "", "id": "", "data": []}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            if name == "data":
                fields["data"].append(value.removeprefix(" "))
            else:
                fields["event" if name == "" else name] = value.strip() if name else ":"
        if block:
            found.append((fields["event"], fields["id"], "\n".join(fields["data"])))
    return found
