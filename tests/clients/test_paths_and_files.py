"""The same path and the same recording as different clients write them."""

import base64

import pytest

from tests.clients.asking import FORM, JSON, OPENAI, WAITING, form, inputs, refusal
from tests.clients.helpers import URI, WAV, Api

# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/",
        "/v1//models",
        "//v1/models",
        "/v1//models//",
        "/v1//v1/models",
        "//models",
        "/v1/models//whisper-1",
        "/v1/predictions/?cursor=",
        "/v1/account///",
        "//health",
        "/docs/",
    ],
)
async def test_slashes(api: Api, path: str) -> None:
    assert (await api.call("GET", path)).status == 200


@pytest.mark.parametrize("route", [JSON, *WAITING])
async def test_slashes_of_what_transcribes(api: Api, route: str) -> None:
    path = "/v1/predictions" if route == JSON else route
    for spelled in (f"{path}/", path.replace("/", "//")):
        if route == JSON:
            answer = await api.call("POST", spelled, json={"input": {"audio_file": URI}})
        else:
            model = {"model": "whisper-1"} if route in OPENAI else {}
            answer = await api.call("POST", spelled, data=form(**model))
        assert (await inputs(api, answer))["audio_file"].endswith("bytes)")


async def test_slashes_change_nothing_else(api: Api) -> None:
    assert (await api.call("GET", "/v1//nothing/")).status == 404
    assert (await api.call("DELETE", "/v1//account/")).status == 405
    for path in ("/v1//account", "/v1/predictions//", "/v1/models%2F/"):
        headers = {"Authorization": "Bearer wrong"}
        assert (await api.call("GET", path, headers)).status == 401
    created = await api.create()
    stream = created["urls"]["stream"].replace("/v1/", "/v1//").replace("/stream", "/stream/")
    assert (await api.call("GET", stream, {"Authorization": ""})).status == 200


# Recordings


@pytest.mark.parametrize("route", [FORM, *WAITING, "/v1/files"])
async def test_a_file_without_a_name(api: Api, route: str) -> None:
    name = {FORM: "audio_file", "/v1/files": "content"}.get(route, "file")
    model = [("model", "whisper-1")] if route in OPENAI else []
    for header in ("", '; filename=""'):
        parts = [(f'name="{name}"{header}', WAV), *((f'name="{k}"', v.encode()) for k, v in model)]
        body = b"".join(
            b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
            % (disposition.encode(), content)
            for disposition, content in parts
        )
        sent = {"Content-Type": "multipart/form-data; boundary=x"}
        path = "/v1/predictions" if route == FORM else route
        answer = await api.call("POST", path, sent, data=body + b"--x--\r\n")
        assert answer.status in {200, 201}, answer.body
        if route == "/v1/files":
            assert answer.body["size"] == len(WAV)
        else:
            assert f"({len(WAV)} bytes)" in (await inputs(api, answer))["audio_file"]


@pytest.mark.parametrize(
    "written",
    [
        URI,
        URI.replace("data:", "DATA:").replace("base64", "BASE64"),
        URI.rstrip("="),
        f"data:audio/wav;base64,{base64.encodebytes(WAV).decode()}",
        f"data:;base64,{base64.urlsafe_b64encode(WAV).decode()}",
        base64.b64encode(WAV).decode(),
        base64.encodebytes(WAV).decode(),
    ],
)
@pytest.mark.parametrize("route", [JSON, FORM])
async def test_recordings_as_text(api: Api, route: str, written: str) -> None:
    if route == JSON:
        answer = await api.call("POST", "/v1/predictions", json={"input": {"audio": written}})
    else:
        answer = await api.call("POST", "/v1/predictions", data=form(None, audio=written))
    assert f"({len(WAV)} bytes)" in (await inputs(api, answer))["audio"]


@pytest.mark.parametrize("route", [JSON, FORM])
async def test_what_is_no_recording_is_refused_by_name(api: Api, route: str) -> None:
    for written, says in (("/data/a.mp3", "http"), (f"{URI}!", "base64"), ("hello", "")):
        if route == JSON:
            answer = await api.call("POST", "/v1/predictions", json={"input": {"audio": written}})
        else:
            answer = await api.call("POST", "/v1/predictions", data=form(None, audio=written))
        field, message = refusal(answer)
        assert field == "audio"
        assert says in message or route == FORM
