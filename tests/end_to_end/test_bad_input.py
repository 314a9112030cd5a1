"""Bad input: which field, why, the right status; and the next request works."""

import base64
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stack.client import Client
from tests.conftest import RunningStack

GOOD_URL = "https://8.8.8.8/a.wav"  # passes the checks; the requests here never get to fetch it
CLIPS = "known_speaker_references"


def known(clip: str) -> dict[str, list[str]]:
    """One known speaker."""
    return {"known_speaker_names": ["Ann"], CLIPS: [clip]}


def second_of_silence() -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, 16_000, 0, "NONE", ""))
        target.writeframes(bytes(32_000))
    return f"data:audio/wav;base64,{base64.b64encode(file.getvalue()).decode()}"


@pytest.fixture(autouse=True)
async def _the_next_request_works(stack: RunningStack) -> AsyncIterator[None]:
    yield
    assert stack.healthy()


async def post(
    stack: RunningStack, session: aiohttp.ClientSession, token: str | None = None, **arguments: Any
) -> tuple[int, dict[str, Any], str]:
    headers = {"Authorization": f"Bearer {stack.token if token is None else token}"}
    url = f"{stack.url}/v1/predictions"
    async with session.post(url, headers=headers, **arguments) as response:
        body = await response.json(content_type="application/problem+json")
        assert body["status"] == response.status
        assert isinstance(body["detail"], str)
        return response.status, body, body["detail"]


@pytest.mark.parametrize("token", ["", "wrong-token", "a-token-for-test"])
async def test_a_wrong_token(
    stack: RunningStack, session: aiohttp.ClientSession, token: str
) -> None:
    status, _, _ = await post(stack, session, token, json={"input": {"audio": GOOD_URL}})
    assert status == 401


async def test_no_token(stack: RunningStack, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{stack.url}/predictions", json={}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
    async with session.get(f"{stack.url}/v1/predictions/abc") as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({}, "audio_file", "a recording is required"),
        ({"audio": GOOD_URL, "audio_file": GOOD_URL}, "audio", "not both"),
        ({"audio": GOOD_URL, "bogus": 1}, "bogus", "unknown input"),
        ({"audio": GOOD_URL, "vad_onset": 3}, "vad_onset", "maximum"),
        ({"audio": GOOD_URL, "language": "xx"}, "language", "GET /languages"),
        ({"audio": GOOD_URL, "whisper_model": "huge"}, "whisper_model", "demo"),
        ({"audio": 7}, "audio", "not a text"),
        ({"audio": "file:///etc/passwd"}, "audio", "only http"),
        ({"audio": "/etc/passwd"}, "audio", "only http"),
        ({"audio": "http://10.0.0.1/a.wav"}, "audio", "private"),
        ({"audio": "http://[::ffff:169.254.169.254]/latest"}, "audio", "private"),
        ({"audio": "https://no-such-host.invalid/a.wav"}, "audio", "cannot be resolved"),
        ({"audio": "data:audio/wav;base64,"}, "audio", "empty"),
        ({"audio": "data:audio/wav;base64,!!!"}, "audio", "base64"),
        ({"audio": "data:text/plain,hello"}, "audio", "not a recording"),
        ({"audio": GOOD_URL, "align_model": "x"}, "align_model", "offers: none"),
        ({"audio": GOOD_URL, "known_speaker_names": ["Ann"]}, CLIPS, "0 clips for 1 names"),
        ({"audio": GOOD_URL, **known("file:///etc/passwd")}, CLIPS, "only http"),
        ({"audio": GOOD_URL, **known("http://10.0.0.1/a.wav")}, CLIPS, "private"),
        ({"audio": GOOD_URL, **known("data:text/plain,hello")}, CLIPS, "not a recording"),
        ({"audio": GOOD_URL, **known(second_of_silence())}, CLIPS, "at least 2 s"),
    ],
)
async def test_inputs_are_refused_by_name(
    stack: RunningStack,
    session: aiohttp.ClientSession,
    given: dict[str, Any],
    field: str,
    reason: str,
) -> None:
    status, body, detail = await post(stack, session, json={"input": given})
    assert status == 422
    assert f"input.{field}" in {entry["field"] for entry in body["invalid_fields"]}
    assert reason in detail


@pytest.mark.parametrize("content", [b"", b"this is no audio", b"RIFF\x00\x00\x00\x00WAVE"])
async def test_uploads_that_are_no_recording(
    stack: RunningStack, session: aiohttp.ClientSession, content: bytes
) -> None:
    form = aiohttp.FormData()
    form.add_field("audio_file", content, filename="speech.wav")
    status, body, _ = await post(stack, session, data=form)
    assert status == 422
    assert body["invalid_fields"][0]["field"] == "input.audio_file"


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"", 400), (b'{"input": []}', 422)]
)
async def test_bodies_that_are_no_request(
    stack: RunningStack, session: aiohttp.ClientSession, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {stack.token}"}
    url = f"{stack.url}/v1/predictions"
    async with session.post(url, data=body, headers=headers) as response:
        assert response.status == status
        assert isinstance((await response.json(content_type=None))["detail"], str)


async def test_unknown_ids_and_routes(stack: RunningStack, session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    for path, status in (
        ("/v1/predictions/unknown", 404),
        ("/v1/predictions/" + "x" * 65, 422),
        ("/v1/nothing", 404),
    ):
        async with session.get(stack.url + path, headers=headers) as response:
            assert response.status == status
            assert isinstance((await response.json(content_type=None))["detail"], str)


async def test_a_reused_id_is_a_conflict(
    stack: RunningStack, session: aiohttp.ClientSession, client: Client
) -> None:
    body = {"id": "mine-1", "input": {"audio": "data:audio/wav;base64,AAAA"}}
    assert (await post(stack, session, json=body))[0] == 422
    status, _, detail = await post(stack, session, json={**body, "id": "../../x"})
    assert status == 422
    assert "id" in detail


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing-here", "404"),
        ("/page", "not a recording"),
        ("/empty", "empty"),
        ("/moved?to=http://10.0.0.1/a.wav", "private"),
        ("/moved?to=file:///etc/passwd", "only http"),
    ],
)
async def test_what_only_the_remote_content_tells_fails_the_prediction(
    client: Client, file_server: str, path: str, reason: str
) -> None:
    created = await client.create({"input": {"audio_file": file_server + path}})
    ended = await client.finish(created["id"])
    assert ended["status"] == "failed"
    assert ended["error"].startswith("audio_file: ")
    assert reason in ended["error"]
    assert file_server not in ended["error"]


@pytest.mark.parametrize(
    ("path", "reason"), [("/nothing-here", "404"), ("/conversation.wav", "at most 10 s")]
)
async def test_clips_that_cannot_be_used_fail_the_prediction(
    client: Client, file_server: str, path: str, reason: str
) -> None:
    inputs = {"audio_file": f"{file_server}/clip.wav", **known(file_server + path)}
    ended = await client.finish((await client.create({"input": inputs}))["id"])
    assert ended["status"] == "failed"
    assert ended["error"].startswith(f"{CLIPS}: ")
    assert reason in ended["error"]


async def test_no_file_is_left_of_what_was_refused(
    stack: RunningStack, session: aiohttp.ClientSession, short_recording: Path
) -> None:
    good = "data:audio/wav;base64," + base64.b64encode(short_recording.read_bytes()).decode()
    before = set((stack.state_dir / "files").iterdir())
    inputs = {"audio_file": good, "known_speaker_names": ["Ann", "Bob"]}
    for clips, reason in (
        ([good, "data:text/plain,hello"], "not a recording"),
        ([good, "http://10.0.0.1/a.wav"], "private"),
    ):
        body = {"input": {**inputs, CLIPS: clips}}
        status, _, detail = await post(stack, session, json=body)
        assert (status, reason in detail) == (422, True)
    assert set((stack.state_dir / "files").iterdir()) <= before


async def test_an_unreachable_server_fails_the_prediction(client: Client) -> None:
    created = await client.create({"input": {"audio_file": "http://127.0.0.1:9/a.wav"}})
    ended = await client.finish(created["id"])
    assert ended["status"] == "failed"
    assert "cannot be reached" in ended["error"]
