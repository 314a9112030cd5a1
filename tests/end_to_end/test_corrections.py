"""A transcript is corrected, through the API: nothing is lost, and what was corrected stays."""

import asyncio
import html
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import docx
import pytest
import redis.asyncio
import srt
import webvtt
from yarl import URL

from bridge.api import results
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack
from tests.fixtures import lone

EDITS = [
    {"edit": "text", "segment": 0, "text": "Good evening, Maria."},
    {"edit": "rename", "speaker": "SPEAKER_00", "name": "Peter <b>"},
]


@dataclass
class Recording:
    """One that was transcribed, and the way to it."""

    session: aiohttp.ClientSession
    stack: RunningStack
    id: str

    async def call(
        self, method: str, path: str, **arguments: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self.stack.token}", **arguments.pop("headers", {})}
        url = URL(f"{self.stack.url}/v1/predictions/{self.id}{path}", encoded=True)
        async with self.session.request(method, url, headers=headers, **arguments) as response:
            return response.status, response.headers, await response.read()

    async def transcript(self) -> tuple[str, dict[str, Any]]:
        status, headers, body = await self.call("GET", "/transcript")
        assert status == 200, body
        return headers["ETag"], json.loads(body)

    async def save(self, edits: Any, tag: str | None) -> tuple[int, Mapping[str, str], Any]:
        headers = {} if tag is None else {"If-Match": tag}
        status, answered, body = await self.call(
            "PUT", "/transcript", json={"edits": edits}, headers=headers
        )
        return status, answered, json.loads(body)

    async def output(self, query: str) -> tuple[Mapping[str, str], bytes]:
        status, headers, body = await self.call("GET", f"/output?{query}")
        assert status == 200, body
        return headers, body


@pytest.fixture
async def recording(
    client: Client, session: aiohttp.ClientSession, stack: RunningStack
) -> AsyncIterator[Recording]:
    prediction = await client.finish((await client.create_from_file(RECORDING))["id"])
    assert prediction["status"] == "succeeded", prediction["error"]
    found = Recording(session, stack, prediction["id"])
    yield found
    await found.call("DELETE", "")


async def test_corrections_are_saved_beside_the_first_output(recording: Recording) -> None:
    tag, before = await recording.transcript()
    assert (tag, before["revision"], before["edits"], before["saved_at"]) == ('"0"', 0, [], None)
    assert before["expires_at"] is not None
    first = before["transcript"]
    status, headers, saved = await recording.save(EDITS, tag)
    assert (status, headers["ETag"], saved["revision"]) == (200, '"1"', 1)
    assert saved["expires_at"] is None
    tag, after = await recording.transcript()
    assert (tag, after["edits"]) == ('"1"', EDITS)
    assert after["transcript"]["segments"][0]["text"] == "Good evening, Maria."
    speakers = {segment["speaker"] for segment in after["transcript"]["segments"]}
    assert speakers == {"Peter <b>", "SPEAKER_01"}
    _, _, body = await recording.call("GET", "")
    assert json.loads(body)["output"] == first, "the first output never changes"
    _, original = await recording.output("revision=original")
    assert json.loads(original) == first
    # All edits taken back: the first output again.
    status, _, saved = await recording.save([], tag)
    assert (status, saved["revision"]) == (200, 2)
    assert (await recording.transcript())[1]["transcript"] == first


async def test_of_two_who_correct_at_once_one_is_told(recording: Recording) -> None:
    tag, _ = await recording.transcript()
    both = await asyncio.gather(*(recording.save(EDITS[:1], tag) for _ in range(2)))
    assert sorted(status for status, *_ in both) == [200, 412]
    ((_, headers, answer),) = [one for one in both if one[0] == 412]
    assert headers["ETag"] == '"1"'
    assert "revision 1" in answer["detail"]
    assert (await recording.save(EDITS, None))[0] == 428
    assert (await recording.save(EDITS, '"0"'))[0] == 412
    assert (await recording.save(EDITS, 'W/"1"'))[0] == 200
    assert (await recording.save(EDITS[:1], "*"))[0] == 200


async def test_every_format_holds_the_corrected_text(recording: Recording) -> None:
    await recording.save(EDITS, '"0"')
    written = {}
    for name in results.NAMES:
        headers, written[name] = await recording.output(f"format={name}")
        ending = {"text": "txt", "markdown": "md"}.get(name, name.removeprefix("verbose_"))
        ending = ending.removeprefix("diarized_")
        assert f'filename="conversation.{ending}"' in headers["Content-Disposition"]
    cues = list(srt.parse(written["srt"].decode()))
    assert cues[0].content == "[Peter <b>]: Good evening, Maria."
    captions = webvtt.from_string(written["vtt"].decode())
    assert captions[0].text == "Good evening, Maria."
    assert html.unescape(captions[0].voice or "") == "Peter <b>"
    for name in ("txt", "text", "tsv", "verbose_json", "diarized_json", "json"):
        assert "Good evening, Maria." in written[name].decode()
    assert "**Peter \\<b\\>** (0:00)" in written["markdown"].decode()
    document = docx.Document(io.BytesIO(written["docx"]))
    assert document.paragraphs[0].text == "conversation"
    assert document.paragraphs[1].text.startswith("Peter <b> (0:00)\nGood evening, Maria.")
    _, first = await recording.output("format=srt&revision=original")
    assert "Good evening" not in first.decode()
    status, _, body = await recording.call("GET", "/output?revision=2")
    assert (status, json.loads(body)["error"]["param"]) == (422, "revision")


REFUSED = [
    (b"{", 400, None),
    (b"[]", 422, "edits"),
    (b'{"edits": {}}', 422, "edits"),
    (b'{"edits": ["x"]}', 422, "edits[0]"),
    (b'{"edits": [{"edit": "merge", "segment": 999}]}', 422, "edits[0].segment"),
    (b'{"edits": [{"edit": "merge", "segment": NaN}]}', 422, "edits[0].segment"),
    (b"[" * 100_000, 400, None),
    (b" " * (2 << 20) + b"{}", 413, None),
    (b'{"edits": [' + b"0," * 10_000 + b"0]}", 422, "edits"),
]


async def test_what_cannot_be_saved_is_refused(recording: Recording) -> None:
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    for content, status, field in REFUSED:
        answered, _, body = await recording.call(
            "PUT", "/transcript", data=io.BytesIO(content), headers=headers
        )
        assert (answered, json.loads(body)["error"]["param"]) == (status, field), content[:60]
    assert (await recording.transcript())[0] == '"0"'


async def test_text_that_no_encoding_can_write_is_saved_without_it(recording: Recording) -> None:
    edit = {"edit": "text", "segment": 0, "text": "half \ud83d of it \x00"}
    status, _, answer = await recording.save([edit], "*")
    assert status == 200, answer
    _, after = await recording.transcript()
    assert after["transcript"]["segments"][0]["text"] == "half of it"
    await recording.output("format=docx")


async def test_what_has_not_succeeded_cannot_be_corrected(recording: Recording) -> None:
    unknown = Recording(recording.session, recording.stack, "x" * 26)
    assert (await unknown.call("GET", "/transcript"))[0] == 404
    assert (await unknown.save(EDITS, "*"))[0] == 404


@pytest.mark.slow
async def test_what_was_corrected_stays_until_it_is_deleted(
    tmp_path: Path, session: aiohttp.ClientSession, short_recording: Path
) -> None:
    port = free_port()
    address = f"redis://127.0.0.1:{port}/0"
    with lone.redis(tmp_path, port):
        stack = start_stack(tmp_path, RESULT_TTL="4", REVISION_LIMIT="1", REDIS_URL=address)
        try:
            await _corrected_and_deleted(stack, session, short_recording)
            await _nothing_is_left(address)
        finally:
            stop_stack(stack)


async def _corrected_and_deleted(
    stack: RunningStack, session: aiohttp.ClientSession, short_recording: Path
) -> None:
    client = Client(session, stack.url, stack.token)
    made = [(await client.create_from_file(short_recording))["id"] for _ in range(2)]
    corrected, other = (Recording(session, stack, one) for one in made)
    for one in made:
        assert (await client.finish(one))["status"] == "succeeded"
    assert (await corrected.save([], "*"))[0] == 200
    assert (await other.save([], "*"))[0] == 507, "as many as the operator allows"
    async with asyncio.timeout(30):
        while (await other.call("GET", ""))[0] == 200:
            await asyncio.sleep(0.2)
    assert (await corrected.transcript())[1]["expires_at"] is None
    listed = await client._call("GET", "/v1/predictions")
    assert [one["id"] for one in listed["results"]] == [corrected.id]
    assert (await corrected.call("DELETE", ""))[0] == 204
    assert (await corrected.call("GET", "/transcript"))[0] == 404


async def _nothing_is_left(address: str) -> None:
    async with redis.asyncio.from_url(address, decode_responses=True) as store:
        left = {key async for key in store.scan_iter("predictions:*")}
        assert left <= {"predictions:all", "predictions:unfinished"}
        assert [key async for key in store.scan_iter("prediction:*")] == []
