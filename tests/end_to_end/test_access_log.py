"""ACCESS_LOG=1: who did what to which prediction or file, and never a word of it."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.api.access import ACTIONS
from bridge.routes import ROUTES
from stack.settings import free_port
from tests.conftest import clip, clip_uri
from tests.fixtures import lone

KEY, WORDS = "wxs_a-key-of-acme-for-tests", "Zanzibar words"
# What names no prediction and no file.
NOT_LOGGED = {
    "GET /models",
    "GET /models/{model}",
    "GET /models/{owner}/{name}",
    "GET /models/{owner}/{name}/versions",
    "GET /models/{owner}/{name}/versions/{version}",
    "GET /account",
    "GET /webhooks/default/secret",
}


def test_every_route_is_logged_or_known_to_name_nothing() -> None:
    routes = {f"{route.method} {route.path}" for route in ROUTES}
    assert set(ACTIONS) | NOT_LOGGED == routes
    assert not set(ACTIONS) & NOT_LOGGED


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def bridge(tmp_path: Path, port: int) -> AsyncIterator[lone.LoneBridge]:
    keys = tmp_path / "keys"
    keys.write_text(f"laptop {hashlib.sha256(KEY.encode()).hexdigest()} acme read,write\n")
    given = {"ACCESS_LOG": "1", "API_KEYS_FILE": str(keys), "LOG_LEVEL": "DEBUG"}
    with lone.redis(tmp_path, port), lone.bridge(tmp_path, port, **given) as running:
        yield running


async def _call(bridge: lone.LoneBridge, token: str, method: str, path: str, **given: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = path if path.startswith("http") else f"{bridge.url}/v1{path}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, **given) as answer,
    ):
        content = await answer.read()
    return json.loads(content) if content.startswith(b"{") else {}


async def test_who_did_what_to_which(bridge: lone.LoneBridge, tmp_path: Path) -> None:
    given = {"audio_file": clip_uri("Peter"), "initial_prompt": WORDS}
    one = (await _call(bridge, KEY, "POST", "/predictions", json={"input": given}))["id"]
    path = f"/predictions/{one}"
    stream = (await _call(bridge, KEY, "GET", path))["urls"]["stream"]
    await _call(bridge, lone.TOKEN, "GET", path)
    await _call(bridge, "", "GET", path)
    await _call(bridge, KEY, "GET", f"{path}/output?format=srt")
    edits = {"edits": [{"edit": "text", "segment": 0, "text": WORDS}]}
    await _call(bridge, KEY, "PUT", f"{path}/transcript", json=edits, headers={"If-Match": "*"})
    await _call(bridge, KEY, "POST", f"{path}/cancel")
    await _call(bridge, "", "GET", stream)
    await _call(bridge, KEY, "GET", "/predictions")
    form = aiohttp.FormData()
    form.add_field("content", clip("Peter"), filename=f"{WORDS}.wav")
    file = (await _call(bridge, lone.TOKEN, "POST", "/files", data=form))["id"]
    await _call(bridge, lone.TOKEN, "DELETE", f"/files/{file}")
    await _call(bridge, KEY, "DELETE", path)
    await _call(bridge, KEY, "GET", f"/predictions/{WORDS}")
    await _call(bridge, KEY, "GET", "/models")

    text = (tmp_path / "access.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line.pop("time")[:3] for line in lines] == ["202"] * len(lines)
    acme = {"tenant": "acme", "key": "laptop", "kind": "prediction", "id": one}
    default = {"tenant": "default", "key": "BRIDGE_TOKEN"}
    assert lines == [
        {**acme, "action": "create", "status": 201},
        {**acme, "action": "read", "status": 200},
        {**acme, **default, "action": "read", "status": 404},
        {**acme, "tenant": None, "key": None, "action": "read", "status": 401},
        {**acme, "action": "export", "status": 409},
        {**acme, "action": "correct", "status": 409},
        {**acme, "action": "cancel", "status": 200},
        {**acme, "key": "a signed link", "action": "read", "status": 200},
        {**acme, "action": "list", "status": 200},
        {**default, "kind": "file", "id": file, "action": "create", "status": 201},
        {**default, "kind": "file", "id": file, "action": "delete", "status": 204},
        {**acme, "action": "delete", "status": 204},
        {**acme, "id": None, "action": "read", "status": 422},
    ]
    for secret in (WORDS, WORDS.split(maxsplit=1)[0], KEY, lone.TOKEN, "signature"):
        assert secret not in text
    assert not (tmp_path / "bridge.log").read_text().count(WORDS)


async def test_without_it_nothing_is_logged(tmp_path: Path, port: int) -> None:
    with lone.redis(tmp_path, port), lone.bridge(tmp_path, port) as bridge:
        await _call(bridge, lone.TOKEN, "GET", "/predictions")
    assert (tmp_path / "access.log").read_text() == ""
