"""The limits of keys, under 200 clients at once and on two bridges."""

import asyncio
import json
import re
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.records.tenants import Limits
from stack.settings import free_port
from tests.clients.helpers import WAV, Answer, data_uri, wav
from tests.conftest import RunningStack
from tests.fixtures import lone
from tests.tenants.conftest import BOTH, Keys
from tests.tenants.requests_seen import decisions
from tests.tenants.side import Side

CLIENTS = 200
MINUTE = 60
MICROSECOND = 1e-6
Sides = tuple[Side, Side]


@pytest.fixture(scope="module")
def port() -> int:
    """Of the bridges' Redis."""
    return free_port()


@pytest.fixture(scope="module")
def bridges(
    tmp_path_factory: pytest.TempPathFactory, keys: Keys, port: int
) -> Iterator[tuple[str, str]]:
    """Two bridges on one Redis and one folder, and no Cog: what is accepted stays unfinished."""
    folder = tmp_path_factory.mktemp("limits")
    given = {"API_KEYS_FILE": str(keys.path), "FILES_DIR": str(folder / "files")}
    with ExitStack() as running:
        running.enter_context(lone.redis(folder, port))
        urls = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            urls.append(running.enter_context(lone.bridge(folder / name, port, **given)).url)
        yield urls[0], urls[1]


@pytest.fixture
async def limited(
    bridges: tuple[str, str], keys: Keys, request: pytest.FixtureRequest
) -> AsyncIterator[Callable[..., Sides]]:
    """The same key at both bridges, with the limits that are asked for."""
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(connector=connector) as session:

        def made(**limits: int) -> Sides:
            name = f"key-{len(keys.by_id)}"
            key = keys.add(name, "limited", BOTH, Limits(**limits))
            one, two = (Side(name, key, "m", url, session, "") for url in bridges)
            return one, two

        yield made


async def crowd(sides: Sides, ask: Callable[[Side], Awaitable[Answer]]) -> list[Answer]:
    return await asyncio.gather(*(ask(sides[number % 2]) for number in range(CLIENTS)))


def refused(answer: Answer, name: str, quota: int) -> bool:
    """Whether the answer says that the limit is reached, in all the ways that clients read."""
    if answer.status != 429:
        return False
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Policy"].startswith(f'"{name}";q={quota}')
    assert re.fullmatch(rf'"{name}";r=\d+;t=\d+', answer.headers["RateLimit"])
    body = json.loads(answer.body)
    assert body["violated-policies"] == [name]
    assert body["error"]["type"] == "rate_limit_error"
    assert body["detail"] == body["error"]["message"]
    return True


async def test_requests_a_second(limited: Callable[..., Sides], port: int) -> None:
    quota, seconds, most = 50, 3.0, 15.0
    sides = limited(requests=quota)
    began, allowed = time.monotonic(), 0

    async def ask(side: Side) -> None:
        nonlocal allowed
        # A busy machine may need longer until enough have passed.
        while time.monotonic() < began + (seconds if allowed > 2 * quota else most):
            answer = await side.call("GET", "/v1/account")
            if not refused(answer, "requests", quota):
                assert answer.status == 200
                assert answer.headers["RateLimit-Policy"] == f'"requests";q={quota};w=1'
                allowed += 1

    async with decisions(port, sides[0].name) as seen:
        await asyncio.gather(*(ask(sides[number % 2]) for number in range(CLIENTS)))
        passed, turned_away = await seen.wait()
    assert len(passed) == allowed
    assert len(passed) > 2 * quota
    assert len(turned_away) > CLIENTS
    # What passed one second before, to the microsecond, is out of the second.
    begins = [bisect_right(passed, moment - 1 + MICROSECOND / 2) for moment in passed]
    within = [
        bisect_right(passed, moment) - begin for moment, begin in zip(passed, begins, strict=True)
    ]
    assert max(within) <= quota, "never more than the quota within a second"
    full = [
        bisect_right(passed, end) - bisect_left(passed, begin - 1) for begin, end in turned_away
    ]
    assert min(full) >= quota - 1, "and no request is refused while there is room"


async def test_unfinished_predictions(limited: Callable[..., Sides]) -> None:
    quota = 25
    sides = limited(unfinished=quota)
    body = {"input": {"audio_file": data_uri(WAV)}}

    async def create(side: Side) -> Answer:
        return await side.call("POST", "/v1/predictions", json=body)

    answers = await crowd(sides, create)
    created = [json.loads(one.body)["id"] for one in answers if one.status == 201]
    assert len(created) == quota
    assert Counter(refused(one, "unfinished", quota) for one in answers)[True] == CLIENTS - quota
    await sides[1].json("POST", f"/v1/predictions/{created[0]}/cancel")
    await sides[0].call("DELETE", f"/v1/predictions/{created[1]}")
    statuses = Counter([(await create(side)).status for side in (*sides, *sides)])
    assert statuses == {201: 2, 429: 2}, "what has ended makes room, at either bridge"


async def test_a_limit_is_that_of_its_line_now(limited: Callable[..., Sides], keys: Keys) -> None:
    side, _ = limited(unfinished=1)
    body = {"input": {"audio_file": data_uri(WAV)}}
    statuses = [(await side.call("POST", "/v1/predictions", json=body)).status for _ in "ab"]
    assert statuses == [201, 429]
    written = keys.path.read_text().splitlines()
    changed = [
        line.replace("unfinished=1", "unfinished=20") if line.startswith(f"{side.name} ") else line
        for line in written
    ]
    keys.path.write_text("\n".join(changed) + "\n")
    assert (await side.call("POST", "/v1/predictions", json=body)).status == 201


async def test_minutes_a_day(limited: Callable[..., Sides]) -> None:
    quota, length = 2, 6
    sides = limited(minutes=quota)
    body = {"input": {"audio_file": data_uri(wav(length))}}
    answers = await crowd(sides, lambda side: side.call("POST", "/v1/predictions", json=body))
    assert Counter(one.status for one in answers)[201] == quota * MINUTE // length
    reached = next(one for one in answers if refused(one, "minutes", quota))
    assert int(reached.headers["Retry-After"]) <= 86_400
    address = {"input": {"audio_file": "https://example.com/talk.wav"}}
    later = await sides[0].call("POST", "/v1/predictions", json=address)
    assert later.status in (422, 429), "no network here, or no minutes"


async def test_bytes_at_once(limited: Callable[..., Sides]) -> None:
    most = 10
    sides = limited(bytes=most * len(WAV))

    async def upload(side: Side) -> Answer:
        return await side.call("POST", "/v1/files", data=side.form("content"))

    answers = await crowd(sides, upload)
    stored = [json.loads(one.body)["id"] for one in answers if one.status == 201]
    assert len(stored) == most
    assert all(one.status == 201 or refused(one, "bytes", most * len(WAV)) for one in answers)
    listed = await sides[0].json("GET", "/v1/files")
    assert {one["id"] for one in listed["results"]} >= set(stored)
    for route, form in (
        ("/v1/predictions", "audio_file"),
        ("/v1/audio/transcriptions", "file"),
        ("/asr", "audio_file"),
    ):
        sent = sides[1].form(form)
        if "audio" in route:
            sent.add_field("model", "whisper-1")
        answer = await sides[1].call("POST", route, data=sent)
        assert refused(answer, "bytes", most * len(WAV)), route
    assert (await sides[0].call("DELETE", f"/v1/files/{stored[0]}")).status == 204
    assert sorted([(await upload(side)).status for side in sides]) == [201, 429]


async def test_limits_are_of_a_key_and_not_of_its_tenant(limited: Callable[..., Sides]) -> None:
    first, _ = limited(unfinished=1)
    second, _ = limited(unfinished=1)
    body = {"input": {"audio_file": data_uri(WAV)}}
    for side, status in ((first, 201), (first, 429), (second, 201), (second, 429)):
        assert (await side.call("POST", "/v1/predictions", json=body)).status == status


async def test_a_repeated_request_takes_nothing_more(limited: Callable[..., Sides]) -> None:
    sides = limited(unfinished=1, minutes=1)
    body: dict[str, Any] = {"input": {"audio_file": data_uri(wav(40))}}
    for side in (*sides, *sides):
        answer = await side.call("PUT", "/v1/predictions/the-same-one", json=body)
        assert answer.status == 201


async def test_a_download_beyond_the_limit_fails_and_says_why(
    stack: RunningStack, keys: Keys, session: aiohttp.ClientSession
) -> None:
    """How long it is, is known when it is here."""

    async def long(_: web.Request) -> web.Response:
        return web.Response(body=wav(61), content_type="audio/wav")

    app = web.Application()
    app.router.add_get("/long.wav", long)
    async with TestServer(app) as server:
        key = keys.add("one-minute", "limited", BOTH, Limits(minutes=1))
        side = Side("limited", key, "m", stack.url, session, "")
        body = {"input": {"audio_file": str(server.make_url("/long.wav"))}}
        ended = await side.json("POST", "/v1/predictions", {"Prefer": "wait"}, json=body)
    assert ended["status"] == "failed"
    assert ended["error"] == "This key may transcribe 1 minutes of recordings a day, in UTC."
    short = {"input": {"audio_file": data_uri(WAV)}}
    assert (await side.call("POST", "/v1/predictions", json=short)).status == 201
