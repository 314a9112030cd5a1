"""The same request as different clients write it, at every route that takes one."""

from typing import Any

import pytest

from tests.clients.helpers import URI, WAV, Answer, Api, Json
from tests.clients.test_routes import DOORS, OPENAI, form

JSON, FORM = "/v1/predictions as JSON", "/v1/predictions as a form"
ROUTES = (JSON, FORM, *DOORS)


async def ask(api: Api, route: str, **fields: Any) -> Answer:
    """The answer of ``route`` to a recording and ``fields``, in the way that the route takes it."""
    wait = {"Prefer": "wait"}
    if route == JSON:
        document = {"input": {"audio_file": URI, **fields}}
        return await api.call("POST", "/v1/predictions", wait, json=document)
    texts = {name: str(value) for name, value in fields.items()}
    if route == FORM:
        data = form(None, **texts)
        data.add_field("audio_file", WAV, filename="talk.wav")
        return await api.call("POST", "/v1/predictions", wait, data=data)
    model = {"model": "whisper-1"} if route in OPENAI else {}
    return await api.call("POST", route, data=form(**model, **texts))


async def inputs(api: Api, answer: Answer) -> Json:
    """What the prediction behind ``answer`` was asked."""
    assert answer.status in {200, 201}, answer.body
    found = answer.headers.get("x-prediction-id") or answer.body["id"]
    shown: Json = (await api.get(found))["input"]
    return shown


def told(answer: Answer) -> tuple[str, str]:
    """(field, message) of a refusal."""
    assert answer.status in {400, 422}, answer.body
    return answer.body["error"]["param"], answer.body["error"]["message"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("language", ["en-US", "en_US", "EN", "eng", "english", "auto", ""])
async def test_languages(api: Api, route: str, language: str) -> None:
    answer = await ask(api, route, language=language)
    assert answer.status in {200, 201}, answer.body


@pytest.mark.parametrize("route", ROUTES)
async def test_another_language_is_refused_with_its_name(api: Api, route: str) -> None:
    field, message = told(await ask(api, route, language="klingon"))
    assert field == "language"
    assert "'klingon' is not a language" in message
    assert "GET /languages" in message


@pytest.mark.parametrize("route", ROUTES)
async def test_options_of_subtitles(api: Api, route: str) -> None:
    layout = {"max_line_width": 10, "max_line_count": 1, "speaker_labels": False}
    shown = await inputs(api, await ask(api, route, **layout))
    assert shown.items() >= layout.items()
    field, message = told(await ask(api, route, max_line_width=9))
    assert (field, "minimum" in message) == ("max_line_width", True)


async def test_subtitles_are_laid_out_as_asked(api: Api) -> None:
    asked = {"prompt": "talk", "model": "whisper-1", "max_line_width": "10"}
    path = "/v1/audio/transcriptions"
    answer = await api.call("POST", path, data=form(**asked, response_format="srt"))
    assert answer.body.decode().split("\n\n")[0].splitlines()[2:] == ["[SPEAKE…]:", "Hello"]
    stored = f"/v1/predictions/{answer.headers['x-prediction-id']}/output?format="
    again = await api.call("GET", f"{stored}srt")
    assert again.body == answer.body
    query = "vtt&max_line_width=40&speaker_labels=False&highlight_words=1"
    other = await api.call("GET", f"{stored}{query}")
    assert other.body.startswith(b"WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n<u>Hello</u> there.\n")
    assert b"SPEAKER" not in other.body
    assert b"SPEAKER" not in (await api.call("GET", f"{stored}txt&speaker_labels=0")).body
    for query, field in (
        ("max_line_count=many", "max_line_count"),
        ("max_line_width=1", "max_line_width"),
    ):
        refused = await api.call("GET", f"{stored}srt&{query}")
        assert (refused.status, refused.body["error"]["param"]) == (422, field)
