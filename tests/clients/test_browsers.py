"""Pages of other origins: what browsers ask before they let them call, and what they may read."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from stack.settings import free_port
from tests.fixtures import lone
from tests.fixtures.lone import LoneBridge

ALLOWED, OTHER = "https://app.example.org", "https://evil.example.org"
PATHS = ("/v1/predictions", "/v1/audio/transcriptions", "/v1//files/", "/transcribe", "/health")
ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, if-match, x-stainless-lang,x.y_z",
}

EXPOSED = {
    *("Content-Disposition", "ETag", "Retry-After", "x-prediction-id", "x-should-retry"),
    *("RateLimit", "RateLimit-Policy"),
}


def bridge(factory: pytest.TempPathFactory, **settings: str) -> Iterator[LoneBridge]:
    folder, redis_port = factory.mktemp("browsers"), free_port()
    with lone.redis(folder, redis_port), lone.bridge(folder, redis_port, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneBridge]:
    origins = f"{ALLOWED.upper()}/, http://localhost:3000"
    yield from bridge(tmp_path_factory, CORS_ALLOWED_ORIGINS=origins)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneBridge]:
    yield from bridge(tmp_path_factory, CORS_ALLOWED_ORIGINS="*")


@pytest.fixture(scope="module")
def none(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneBridge]:
    yield from bridge(tmp_path_factory)


async def answer(
    running: LoneBridge, method: str, path: str, headers: dict[str, str]
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, running.url + path, headers=headers) as response,
    ):
        return response.status, response.headers


async def asked_and_read(running: LoneBridge, origin: str) -> list[tuple[int, Any]]:
    """The answers to a preflight and to a request, neither with a token."""
    return [
        await answer(running, "OPTIONS", PATHS[0], {"Origin": origin, **ASKED}),
        await answer(running, "GET", PATHS[0], {"Origin": origin}),
    ]


def allowed(headers: Any) -> list[str]:
    return [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_is_answered_without_a_token(some: LoneBridge, path: str) -> None:
    status, headers = await answer(some, "OPTIONS", path, {"Origin": ALLOWED, **ASKED})
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == ALLOWED
    wanted = ASKED["Access-Control-Request-Headers"]
    assert headers["Access-Control-Allow-Headers"] == wanted
    methods = headers["Access-Control-Allow-Methods"].split(", ")
    assert {"GET", "POST", "PUT", "DELETE"} <= set(methods)
    assert headers["Vary"] == "Origin"


async def test_a_page_may_reach_into_a_private_network(some: LoneBridge) -> None:
    private = {"Access-Control-Request-Private-Network": "true"}
    _, headers = await answer(some, "OPTIONS", PATHS[0], {"Origin": ALLOWED, **ASKED, **private})
    assert headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize("path", PATHS)
async def test_errors_can_be_read_too(some: LoneBridge, path: str) -> None:
    for origin in (ALLOWED, "http://localhost:3000"):
        _, headers = await answer(some, "GET", path, {"Origin": origin})
        assert headers["Access-Control-Allow-Origin"] == origin
        assert headers["Access-Control-Allow-Credentials"] == "true"
        exposed = headers["Access-Control-Expose-Headers"].split(", ")
        assert set(exposed) == EXPOSED


@pytest.mark.parametrize("origin", [OTHER, "http://app.example.org", f"{ALLOWED}.evil.org", "null"])
async def test_other_pages_are_told_nothing(some: LoneBridge, origin: str) -> None:
    for status, headers in await asked_and_read(some, origin):
        assert (status, allowed(headers), headers["Vary"]) == (401, [], "Origin")


async def test_without_the_variable_no_page_may_call(none: LoneBridge) -> None:
    for status, headers in await asked_and_read(none, ALLOWED):
        assert (status, allowed(headers), "Vary" in headers) == (401, [], False)


async def test_all_pages_may_call_but_never_with_credentials(every: LoneBridge) -> None:
    for _, headers in await asked_and_read(every, OTHER):
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers


async def test_a_request_of_no_page_is_answered_as_ever(some: LoneBridge) -> None:
    status, headers = await answer(some, "GET", "/health", {})
    assert (status, allowed(headers)) == (200, [])
