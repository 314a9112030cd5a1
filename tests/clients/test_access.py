"""Tokens, secrets, and requests that are refused."""

import json
from uuid import uuid4

import pytest

from tests.clients.helpers import (
    URI,
    Answer,
    Api,
    Json,
    asked,
    eventually,
    receiving,
)
from tests.conftest import RunningStack


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer", "TOKEN"])
async def test_every_valid_token_and_scheme_is_accepted(
    api: Api, stack: RunningStack, other_token: str, scheme: str
) -> None:
    for token in (stack.token, other_token):
        answer = await api.call("GET", "/v1/account", {"Authorization": f"{scheme} {token}"})
        assert answer.status == 200


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Bearer ,", "Basic YTpi", "Bearer a-token-for-tests,", "Bearer é"],
)
async def test_nothing_else_is_accepted_on_any_route(api: Api, value: str) -> None:
    for method, path in (
        ("GET", "/v1/account"),
        ("GET", "/predictions/x"),
        ("POST", "/v1/predictions"),
        ("GET", "/v1/v1/webhooks/default/secret"),
        ("POST", "/v1/predictions/x/stream"),
        ("DELETE", "/v1/files/x/download"),
        ("GET", "/v1/nothing"),
    ):
        assert (await api.call(method, path, {"Authorization": value})).status == 401, path


async def test_a_secret_input_is_seen_nowhere(api: Api, stack: RunningStack) -> None:
    secret = f"hf_{uuid4().hex}"
    seen = []
    async with receiving() as receiver:
        for wishes in ("logs=8", "fail=no"):
            inputs = asked(wishes, huggingface_access_token=secret, debug=True)
            body = {"input": inputs, "webhook": receiver.url}
            created = (await api.call("POST", "/v1/predictions", json=body)).body
            seen.append(created)
            assert created["input"]["huggingface_access_token"] == "*" * 10
            seen.append(await api.get(created["id"]))
            stream = await api.call("GET", created["urls"]["stream"])
            seen.append({"stream": stream.body.decode()})
            seen.append(await api.finish(created["id"]))
            conflict = {**body, "id": created["id"], "input": inputs | {"debug": False}}
            seen.append((await api.call("POST", "/v1/predictions", json=conflict)).body)
        wrong = asked("", huggingface_access_token=secret, vad_onset=7)
        seen.append((await api.call("POST", "/v1/predictions", json={"input": wrong})).body)
        typed = asked("", huggingface_access_token=[secret])
        seen.append((await api.call("POST", "/v1/predictions", json={"input": typed})).body)
        seen.append((await api.call("GET", "/v1/predictions")).body)
        await eventually(lambda: len(receiver.ends) >= 2, "both ends are delivered")
        sent = [call.raw for call in receiver.calls]
    logs = [path.read_text(errors="replace") for path in (stack.state_dir / "log").iterdir()]
    logs.append((stack.state_dir / "stack.log").read_text())
    for text in [*map(json.dumps, seen), *sent, *logs]:
        assert secret not in text


async def test_what_is_no_request_is_refused_with_words(api: Api) -> None:
    for content, status in ((b"{", 400), (b"[]", 400), (b"", 400), (b'"x"', 400), (b"\xff", 400)):
        answer = await api.call(
            "POST", "/v1/predictions", {"Content-Type": "application/json"}, data=content
        )
        assert (answer.status, type(answer.body["detail"])) == (status, str), content
    bodies: list[Json] = [
        {"input": asked(), "version": 7},
        {"input": asked(), "version": ["x"]},
        {"input": asked(), "version": {}},
        {"input": asked(), "id": 7},
        {"input": asked(), "id": "a/b"},
        {"input": asked(), "webhook": ["x"]},
        {"input": asked(), "webhook_events_filter": {"start": 1}},
        {"input": [asked()]},
        {"input": asked() | {"audio_file": [URI]}},
        {"input": asked() | {"audio_file": {"url": URI}}},
        {"input": asked() | {"whisper_model": ["demo"]}},
        {"input": asked(), "id": "\x00"},
    ]
    for body in bodies:
        answer = await api.call("POST", "/v1/predictions", json=body)
        assert (answer.status, type(answer.body["detail"])) == (422, str), body


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
async def test_a_number_that_is_none_is_refused(api: Api, value: str) -> None:
    """Python's parser takes these words; JSON and the predictor's server do not know them."""
    assert (await raw_temperature(api, value)).status in (400, 422)


async def test_what_the_predictors_server_cannot_read_holds_nobody_up(api: Api) -> None:
    """Half of a surrogate pair is a text to Python and none to Rust."""
    body = {"input": asked("half \ud800 of a pair")}
    answer = await api.call("POST", "/v1/predictions", json=body)
    try:
        if answer.status == 201:
            assert (await api.finish(answer.body["id"], 15))["status"] == "failed"
        else:
            assert answer.status in (400, 422)
    finally:
        if answer.status == 201:
            await api.cancel(answer.body["id"])


async def raw_temperature(api: Api, value: str) -> Answer:
    body = json.dumps({"input": asked() | {"temperature": 0.5}}).replace("0.5", value)
    answer = await api.call(
        "POST", "/v1/predictions", {"Content-Type": "application/json"}, data=body
    )
    if answer.status == 201:  # lest it be in the way of the other tests
        await api.cancel(answer.body["id"])
    return answer
