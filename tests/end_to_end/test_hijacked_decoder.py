"""A recording that takes the decoder over, by every wire: a 4xx, and no other's trouble."""

import base64
import json
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from stack.settings import free_port
from tests.fixtures import lone

HARMLESS = b"RIFF"
FORMS = {
    "/v1/predictions": "audio_file",
    "/v1/audio/transcriptions": "file",
    "/v1/audio/translations": "file",
    "/audio/transcribe-with-speakers": "file",
    "/transcribe": "file",
    "/asr": "audio_file",
    "/detect-language": "audio_file",
}


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lone.LoneBridge]:
    folder, port = tmp_path_factory.mktemp("hijacked"), free_port()
    with (
        lone.redis(folder, port),
        lone.bridge(folder, port, module="tests.fixtures.hijacked") as running,
    ):
        yield running


@pytest.fixture
async def session(bridge: lone.LoneBridge) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {lone.TOKEN}"}
    async with aiohttp.ClientSession(bridge.url, headers=headers) as session:
        yield session


async def as_form(session: aiohttp.ClientSession, path: str, content: bytes) -> tuple[int, str]:
    form = aiohttp.FormData({"model": "whisper-1"} if path.startswith("/v1/audio") else {})
    form.add_field(FORMS[path], content, filename="recording.wav")
    async with session.post(path, data=form) as response:
        return response.status, await response.text()


async def as_data(session: aiohttp.ClientSession, content: bytes) -> tuple[int, str]:
    uri = f"data:audio/wav;base64,{base64.b64encode(content).decode()}"
    async with session.post("/v1/predictions", json={"input": {"audio_file": uri}}) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("attempt", [b"crash", b"abort", b"exhaust", b"lie"])
@pytest.mark.parametrize("path", FORMS)
async def test_a_crash_is_the_clients_error(
    session: aiohttp.ClientSession, path: str, attempt: bytes
) -> None:
    status, body = await as_form(session, path, attempt)
    assert 400 <= status < 500, body
    assert "decode" in body
    assert "Traceback" not in body
    assert (await as_data(session, HARMLESS))[0] == 201, "the next recording is unharmed"


async def test_a_data_uri_and_a_file_that_was_sent_before(session: aiohttp.ClientSession) -> None:
    status, body = await as_data(session, b"crash")
    assert status == 422
    assert json.loads(body)["invalid_fields"][0]["field"] == "input.audio_file"
    form = aiohttp.FormData()
    form.add_field("content", b"crash", filename="recording.wav")
    async with session.post("/v1/files", data=form) as response:
        link = (await response.json())["urls"]["get"]
    asked = {"input": {"audio_file": link}}
    async with session.post("/v1/predictions", json=asked) as response:
        assert response.status == 422


async def test_what_the_decoder_reached_is_told(
    session: aiohttp.ClientSession, bridge: lone.LoneBridge
) -> None:
    async with session.get("/health") as response:
        decoders = (await response.json())["decoders"]
    assert decoders["bridge"]["sandbox"].endswith("limits")
    assert decoders["predictor"] is None, "there is no Cog"
    assert f"FFmpeg {decoders['bridge']['ffmpeg']} reads recordings behind" in bridge.log()
    assert lone.TOKEN not in bridge.log()
