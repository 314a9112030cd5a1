"""One recording and some fields, in the way that each route takes them."""

from typing import Any

import aiohttp

from tests.clients.helpers import URI, WAV, Answer, Api, Json

OPENAI = ("/v1/audio/transcriptions", "/v1/audio/translations")
WAITING = (*OPENAI, "/v1/audio/transcribe-with-speakers", "/transcribe")
JSON, FORM = "/v1/predictions as JSON", "/v1/predictions as a form"
ASR = "/asr"
ROUTES = (JSON, FORM, ASR, *WAITING)


async def ask(api: Api, route: str, **fields: Any) -> Answer:
    """The answer of ``route`` to a recording and ``fields``, in the way that the route takes it."""
    wait = {"Prefer": "wait"}
    if route == JSON:
        document = {"input": {"audio_file": URI, **fields}}
        return await api.call("POST", "/v1/predictions", wait, json=document)
    texts = {name: str(value) for name, value in fields.items()}
    if route in {FORM, ASR}:
        data = form(None, **texts)
        data.add_field("audio_file", WAV, filename="talk.wav")
        path, headers = ("/v1/predictions", wait) if route == FORM else (ASR, {})
        return await api.call("POST", path, headers, data=data)
    model = {"model": "whisper-1"} if route in OPENAI else {}
    return await api.call("POST", route, data=form(**model, **texts))


async def inputs(api: Api, answer: Answer) -> Json:
    """What the prediction behind ``answer`` was asked."""
    assert answer.status in {200, 201}, answer.body
    found = answer.headers.get("x-prediction-id") or answer.body["id"]
    shown: Json = (await api.get(found))["input"]
    return shown


def refusal(answer: Answer) -> tuple[str, str]:
    """(field, message) of a refusal."""
    assert answer.status in {400, 422}, answer.body
    return answer.body["error"]["param"], answer.body["error"]["message"]


def form(content: Any = WAV, **fields: Any) -> aiohttp.FormData:
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name, value)
    if content is not None:
        data.add_field("file", content, filename="talk.wav")
    return data
