"""A bridge without tokens."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import openai
import pytest
from openai import OpenAI as OpenAIClient

from stack.settings import free_port
from tests.clients.asking import OPENAI, WAITING, form
from tests.clients.helpers import wav
from tests.clients.test_routes import MIB
from tests.conftest import clip_uri
from tests.fixtures import lone
from tests.fixtures.lone import LoneBridge
from tests.tenants.conftest import Keys


@pytest.fixture(scope="module")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneBridge]:
    """A bridge with ALLOW_ANONYMOUS=1, room for small files only, and a Redis of its own."""
    folder, redis_port = tmp_path_factory.mktemp("anonymous"), free_port()
    settings = {
        "ALLOW_ANONYMOUS": "1",
        "OPENAI_STT_MAX_FILE_SIZE_MB": "1",
        "MAX_FILE_BYTES": str(2 * MIB),
    }
    with (
        lone.redis(folder, redis_port),
        lone.bridge(folder, redis_port, **settings) as running,
    ):
        yield running


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/audio/transcriptions", 400),
        ("POST", "/v1/audio/translations", 400),
        ("POST", "/v1/audio/transcribe-with-speakers", 400),
        ("POST", "/transcribe", 400),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/models/whisper-1", 200),
        ("GET", "/v1/predictions/nobody/output", 404),
        ("GET", "/v1/predictions/nobody", 401),
        ("GET", "/v1/predictions", 401),
        ("POST", "/v1/predictions", 401),
        ("DELETE", "/v1/predictions/nobody", 401),
        ("GET", "/v1/files", 401),
        ("GET", "/v1/predictions/nobody%2Foutput", 401),
        ("GET", "/v1/files/x%2Foutput", 401),
        ("GET", "/v1/webhooks/default/secret", 401),
        ("GET", "/v1/models/whisperx/whisperx-stack", 401),
    ],
)
async def test_a_token_that_nobody_knows_is_refused_where_no_client_has_to_send_one(
    anonymous: LoneBridge, method: str, path: str, status: int
) -> None:
    headers = {"Authorization": "Bearer unused"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, anonymous.url + path) as response,
    ):
        assert response.status == status
        assert json.loads(await response.text())
    assert "ALLOW_ANONYMOUS" in anonymous.log()


@pytest.mark.parametrize("sent", ["", "Bearer ", "Basic dXNlcjpwYXNzd29yZA=="])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/predictions", 200),
        ("POST", "/v1/predictions", 400),
        ("GET", "/v1/predictions/nobody", 404),
        ("DELETE", "/v1/predictions/nobody", 404),
        ("POST", "/v1/audio/transcriptions", 400),
        ("GET", "/v1/files", 200),
        ("GET", "/v1/account", 200),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_no_route_needs_a_token(
    anonymous: LoneBridge, sent: str, method: str, path: str, status: int
) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": sent} if sent else {}) as session,
        session.request(method, anonymous.url + path) as response,
    ):
        assert response.status == status
        assert json.loads(await response.text())


async def test_the_service_says_that_no_token_is_needed(anonymous: LoneBridge) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{anonymous.url}/openapi.json") as response:
            described = await response.json()
        async with session.get(f"{anonymous.url}/api-info") as response:
            listed = (await response.json())["endpoints"]
    assert described["paths"]["/v1/predictions"]["get"]["security"] == [{"token": []}, {}]
    assert not [one["endpoint"] for one in listed if one["token"]]


@pytest.mark.parametrize("path", WAITING)
async def test_a_file_that_is_too_large_is_named(anonymous: LoneBridge, path: str) -> None:
    limit = MIB if path in OPENAI else 2 * MIB
    data = form(io.BytesIO(wav(limit / 32_000)), model="whisper-1")
    async with (
        aiohttp.ClientSession() as session,
        session.post(anonymous.url + path, data=data) as response,
    ):
        assert response.status == 413
        error = (await response.json())["error"]
    assert (error["param"], error["type"]) == ("file", "invalid_request_error")
    assert f"larger than {limit} bytes" in error["message"]
    assert list((anonymous.output.parent / "files").glob("[!.]*")) == []


def test_openais_client_is_told_that_a_file_is_too_large(anonymous: LoneBridge) -> None:
    with (
        OpenAIClient(base_url=f"{anonymous.url}/v1", api_key="unused", max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as raised,
    ):
        client.audio.transcriptions.create(file=("long.wav", wav(35)), model="whisper-1")
    assert (raised.value.status_code, raised.value.param) == (413, "file")


async def test_what_was_made_without_a_token_is_that_of_the_tenants_key(tmp_path: Path) -> None:
    keys, redis_port = Keys(tmp_path / "keys"), free_port()
    key = keys.add("home", "anonymous")
    given = {"API_KEYS_FILE": str(keys.path)}
    body = {"input": {"audio_file": clip_uri("Peter")}}

    async def seen(url: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{url}/v1/predictions/{made}", headers=headers) as answer:
            return answer.status

    async with aiohttp.ClientSession() as session:
        with lone.redis(tmp_path, redis_port):
            with lone.bridge(tmp_path, redis_port, ALLOW_ANONYMOUS="1", **given) as bridge:
                async with session.post(f"{bridge.url}/v1/predictions", json=body) as answer:
                    made = (await answer.json())["id"]
                assert [await seen(bridge.url, token) for token in (key, lone.TOKEN)] == [200, 404]
            with lone.bridge(tmp_path, redis_port, **given) as bridge:
                assert [await seen(bridge.url, token) for token in (key, lone.TOKEN)] == [200, 404]
