"""The routes for speakers and REST, what the service tells of itself."""

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from bridge.api.sse import KEEP_ALIVE_SECONDS
from evaluation.predictors.timed import TALK
from tests.clients.asking import OPENAI, WAITING, form
from tests.clients.helpers import WAV, Answer, Api
from tests.conftest import RunningStack
from transcription.language import LANGUAGES

MIB = 1 << 20
TEXT = " ".join(str(segment["text"]) for segment in TALK)


# Speakers


async def test_neighbouring_segments_of_a_speaker_are_one(api: Api) -> None:
    path = "/v1/audio/transcribe-with-speakers"
    answer = await api.call("POST", path, data=form(language="auto", prompt="talk"))
    assert answer.status == 200, answer.body
    body = answer.body
    assert (body["text"], body["language"], body["duration"]) == (TEXT, "en", 60.5)
    assert body["speaker_count"] == 2
    assert body["timing"]["total_s"] >= 0
    first, second = body["segments"]
    assert (first["speaker"], first["start"], first["end"]) == ("SPEAKER_01", 0.0, 2.0)
    assert first["text"] == "Hello there. 5 --> <b>"
    assert [word["word"] for word in first["words"]] == ["Hello", "there.", "5", "-->", "<b>"]
    assert first["words"][2]["score"] is None
    assert (second["speaker"], second["words"]) == ("SPEAKER_00", [])
    assert "diarization_warning" not in body
    shown = (await api.get(answer.headers["x-prediction-id"]))["input"]
    assert shown["diarization"] is True
    assert shown["whisper_model"] == "demo"
    assert shown["language"] == "auto"


async def test_without_speakers_the_conversation_says_so(api: Api) -> None:
    path = "/v1/audio/transcribe-with-speakers"
    answer = await api.call("POST", path, data=form(prompt="hello"))
    assert answer.body["speaker_count"] == 0
    assert answer.body["diarization_warning"]
    quiet = await api.call("POST", path, data=form(prompt="silence"))
    assert (quiet.body["text"], quiet.body["segments"]) == ("", [])


# REST


async def test_transcribe(api: Api) -> None:
    answer = await api.call("POST", "/transcribe", data=form(language="en", initial_prompt="talk"))
    assert answer.status == 200, answer.body
    assert set(answer.body) == {"text", "segments", "language", "duration", "warnings"}
    assert (answer.body["text"], answer.body["language"]) == (TEXT, "en")
    first = answer.body["segments"][0]
    assert first["words"][0] == {
        "word": "Hello",
        "start": 0.0,
        "end": 0.5,
        "score": 0.9,
        "probability": 0.95,
    }
    shown = (await api.get(answer.headers["x-prediction-id"]))["input"]
    assert (shown["diarization"], shown["language"]) == (False, "en")


@pytest.mark.parametrize(
    ("data", "param"),
    [
        (form(b""), "file"),
        (form(None, language="en"), "file"),
        (form(b"not a recording"), "file"),
        (form(language="klingon"), "language"),
        (form(num_speakers="many"), "num_speakers"),
    ],
)
@pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/transcribe-with-speakers"])
async def test_refusals_name_the_field(
    api: Api, path: str, data: aiohttp.FormData, param: str
) -> None:
    vars(data)["_is_processed"] = False  # the same form serves both routes
    answer = await api.call("POST", path, data=data)
    assert answer.status == 400
    assert answer.body["error"]["param"] == param
    assert answer.body["detail"].startswith(f"{param}: ")


@pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/transcriptions"])
async def test_what_is_no_form_is_refused(api: Api, path: str) -> None:
    answer = await api.call("POST", path, json={"file": "x"})
    assert answer.status == 400
    assert "multipart/form-data" in answer.body["error"]["message"]


async def test_languages(api: Api) -> None:
    body = (await api.call("GET", "/languages")).body
    assert body["total"] == len(LANGUAGES) == len(body["languages"])
    names = [language["name"] for language in body["languages"]]
    assert names == sorted(names)
    assert {"code": "yue", "name": "Cantonese"}.items() <= body["languages"][
        names.index("Cantonese")
    ].items()


# Waiting


async def test_the_file_may_stand_anywhere_in_the_form(api: Api) -> None:
    for place in range(3):
        data = aiohttp.FormData(default_to_multipart=True)
        fields = [("model", "whisper-1"), ("prompt", "talk")]
        fields.insert(place, ("file", ""))
        for name, text in fields:
            if name == "file":
                data.add_field(name, WAV, filename="talk.wav")
            else:
                data.add_field(name, text)
        answer = await api.call("POST", "/v1/audio/transcriptions", data=data)
        assert (answer.status, answer.body["text"]) == (200, TEXT)


def spoken(path: str, wishes: str, temperature: float) -> aiohttp.FormData:
    """A form for the route at ``path``; the temperature tells it from all others."""
    prompt = "initial_prompt" if path == "/transcribe" else "prompt"
    fields = {prompt: wishes, "temperature": str(temperature)}
    return form(**fields, **({"model": "whisper-1"} if path in OPENAI else {}))


@pytest.mark.parametrize(
    "path",
    [
        WAITING[0],
        WAITING[3],
        *(pytest.param(route, marks=pytest.mark.slow) for route in WAITING[1:3]),
    ],
)
async def test_the_work_goes_on_without_its_client(api: Api, path: str) -> None:
    temperature = 0.1 + WAITING.index(path) / 100
    data = spoken(path, "talk sleep=2", temperature)
    asking = asyncio.create_task(api.call("POST", path, data=data))
    while not asking.done() and await _newest(api, temperature, "processing") is None:
        await asyncio.sleep(0.02)
    assert asking.cancel(), "the client goes away before it is answered"
    with pytest.raises(asyncio.CancelledError):
        await asking
    found = await _newest(api, temperature)
    assert found is not None
    assert (await api.finish(found))["output"]["segments"] == TALK


@pytest.mark.slow
async def test_every_door_says_where_the_result_will_be_past_its_limit(api: Api) -> None:
    """And none keeps its client for as long as the work takes."""
    asked = [api.call("POST", path, data=spoken(path, "talk sleep=6", 0.3)) for path in WAITING]
    for answer in await asyncio.gather(*asked):
        assert answer.status == 504
        assert answer.headers["x-should-retry"] == "false"
        prediction = answer.headers["x-prediction-id"]
        assert prediction in answer.body["error"]["message"]
        assert answer.body["error"]["code"] == "still_running"
        await api.cancel(prediction)
        await api.finish(prediction)


@pytest.mark.slow
async def test_a_silent_transcript_stream_is_kept_alive(api: Api) -> None:
    """Proxies take a connection for dead on which nothing comes for long."""
    data = form(model="whisper-1", prompt=f"sleep={KEEP_ALIVE_SECONDS + 1:g}", stream="true")
    answer = await api.call("POST", OPENAI[0], data=data)
    comments: list[str] = []
    events: list[str] = []
    for block in answer.body.decode().strip().split("\n\n"):
        (comments if block.startswith(":") else events).append(block)
    assert set(comments) == {": still here"}
    assert [json.loads(event.removeprefix("data: "))["type"] for event in events] == [
        "transcript.text.delta",
        "transcript.text.done",
    ]


async def test_a_request_that_is_sent_again_joins_the_first(api: Api) -> None:
    def send(retry: str) -> Any:
        headers = {"x-stainless-retry-count": retry}
        data = spoken(OPENAI[0], "talk sleep=1", 0.25)
        return api.call("POST", OPENAI[0], headers, data=data)

    first = asyncio.create_task(send("0"))
    while not first.done() and await _newest(api, 0.25) is None:
        await asyncio.sleep(0.02)
    again = await send("1")
    answers: list[Answer] = [await first, again]
    assert [answer.status for answer in answers] == [200, 200]
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == 1


async def _newest(api: Api, temperature: float, status: str | None = None) -> str | None:
    """The id of the newest prediction with that temperature (and status)."""
    for found in (await api.call("GET", "/v1/predictions")).body["results"]:
        if found["input"].get("temperature") == temperature and status in (None, found["status"]):
            return str(found["id"])
    return None


# What it tells of itself


async def test_the_openapi_document_covers_every_route(api: Api) -> None:
    document = (await api.call("GET", "/openapi.json")).body
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    info = (await api.call("GET", "/api-info")).body
    listed = {(one["endpoint"], one["method"].lower()) for one in info["endpoints"]}
    operations = {(path, m) for path, found in document["paths"].items() for m in found}
    assert listed == operations
    assert all(one["description"] for one in info["endpoints"])
    assert {"/v1/audio/transcriptions", "/transcribe", "/v1/predictions"} <= set(document["paths"])


async def test_the_page_needs_nothing_else(stack: RunningStack) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stack.url}/docs") as response,
    ):
        page = await response.text()
        assert response.status == 200
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "/v1/audio/transcribe-with-speakers" in page
    assert "<script" not in page
    assert "src=" not in page
    assert not re.search(r"(src|href)=.http|url\(|@import", page)


@pytest.mark.parametrize(
    "path", ["/health", "/health-check", "/languages", "/api-info", "/openapi.json", "/docs"]
)
async def test_no_token_is_needed_to_look_around(stack: RunningStack, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(stack.url + path) as response:
        assert response.status == 200
