"""Cog's webhooks, as they really come: twice, late, in the wrong order, or not from Cog at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.fault_stack import PREDICTOR
from bridge.links import sign
from bridge.records.heard import Heard
from bridge.records.sealed import Sealed
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.tenants import Key
from evaluation import recordings
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RunningStack, start_stack, stop_stack


@pytest.fixture(scope="module")
def internal_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory, internal_port: int) -> Any:
    running = start_stack(
        tmp_path_factory.mktemp("timed"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        INTERNAL_PORT=str(internal_port),
    )
    yield running
    stop_stack(running)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


class Impostor:
    """Calls the internal listener as Cog would, or as somebody who is not Cog."""

    def __init__(self, session: aiohttp.ClientSession, port: int, secret: str) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"
        self._secret = secret

    async def webhook(self, prediction_id: str, attempt: int, **body: Any) -> int:
        signature = sign(self._secret, "webhook", prediction_id, str(attempt))
        url = f"{self._base}/webhook/{prediction_id}/{attempt}/{signature}"
        return await self.post(url, {"id": f"{prediction_id}-{attempt}", "logs": "", **body})

    async def segments(
        self, prediction_id: str, attempt: int, first: Any, *texts: Any, batches: Any = ()
    ) -> int:
        signature = sign(self._secret, "segments", prediction_id, str(attempt))
        url = f"{self._base}/segments/{prediction_id}/{attempt}/{signature}"
        found = [{"start": 0.0, "end": 1.0, "text": text} for text in texts]
        return await self.post(url, {"first": first, "segments": found, "batches": batches})

    async def batches(self, prediction_id: str, attempt: int, signed: int | None = None) -> Any:
        signature = sign(self._secret, "heard", prediction_id, str(signed or attempt))
        url = f"{self._base}/heard/{prediction_id}/{attempt}/{signature}"
        async with self._session.get(url) as response:
            return (await response.json())["batches"] if response.ok else response.status

    async def post(self, url: str, body: dict[str, Any]) -> int:
        async with self._session.post(url, data=json.dumps(body)) as response:
            return response.status


@pytest.fixture
def cog(timed: RunningStack, session: aiohttp.ClientSession, internal_port: int) -> Impostor:
    return Impostor(session, internal_port, timed.webhook_secret)


@pytest.fixture
def client(timed: RunningStack, session: aiohttp.ClientSession) -> Client:
    return Client(session, timed.url, timed.token)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recordings.write(tmp_path / "second.wav", 1)


async def test_what_has_ended_does_not_change(
    client: Client, cog: Impostor, recording: Path
) -> None:
    created = await client.create_from_file(recording)
    ended = await client.finish(created["id"])
    for late in (
        {"status": "processing"},
        {"status": "processing", "logs": "much longer logs than there were before" * 9},
        {"status": "succeeded", "output": {"segments": []}},
        {"status": "failed", "error": "no"},
        {"status": "canceled"},
        {"status": "starting"},
    ):
        assert await cog.webhook(created["id"], 1, **late) == 200
    assert await client.get(created["id"]) == ended


async def test_a_completion_may_come_first_and_twice(
    client: Client, cog: Impostor, recording: Path
) -> None:
    created = await client.create_from_file(recording, initial_prompt="sleep=4")
    async for prediction in client.follow(created["id"]):
        if prediction["status"] == "processing":
            break
    output = {"segments": [], "detected_language": "en", "duration": 1.0, "warnings": []}
    for _ in range(2):
        done = {"status": "succeeded", "output": output, "metrics": {"predict_time": 1}}
        assert await cog.webhook(created["id"], 1, **done) == 200
    ended = await client.get(created["id"])
    assert ended["status"] == "succeeded"
    assert ended["output"] == output
    following = await client.create_from_file(recording)
    await client.cancel(created["id"])
    assert await client.get(created["id"]) == ended
    # The run itself is still under way in Cog; the next one waits for its slot or is first.
    await client.cancel(following["id"])


@pytest.mark.parametrize("attempt", [1, 2, 999])
async def test_a_forged_address_is_refused(
    timed: RunningStack,
    cog: Impostor,
    internal_port: int,
    client: Client,
    recording: Path,
    attempt: int,
) -> None:
    created = await client.create_from_file(recording, initial_prompt="sleep=1")
    for signature in ("", "0" * 64, sign("another-secret", "webhook", created["id"], str(attempt))):
        url = f"http://127.0.0.1:{internal_port}/webhook/{created['id']}/{attempt}/{signature}"
        status = await cog.post(url, {"status": "succeeded", "output": {"forged": True}})
        assert status in (403, 404)
    ended = await client.finish(created["id"])
    assert ended["output"] != {"forged": True}


@pytest.fixture
async def redis(timed: RunningStack) -> AsyncIterator["Redis"]:
    """The bridge's own; the stack's Redis has a password that only its processes know."""
    environ = Path(f"/proc/{timed.pid('bridge')}/environ").read_text().split("\0")
    (url,) = [entry.partition("=")[2] for entry in environ if entry.startswith("REDIS_URL=")]
    async with Redis.from_url(url) as opened:
        yield opened


@pytest.fixture
def sealed(timed: RunningStack) -> Sealed:
    return Sealed(Seals([timed.webhook_secret]))


@pytest.fixture
async def heard(redis: "Redis", sealed: Sealed) -> Heard:
    return Heard(redis, sealed)


async def texts(heard: Heard, prediction_id: str, since: int = 0) -> list[str]:
    return [segment["text"] for segment in await heard.segments(Key(prediction_id), since)]


async def until_texts(heard: Heard, prediction_id: str, expected: list[str]) -> None:
    async with asyncio.timeout(20):
        while await texts(heard, prediction_id) != expected:
            await asyncio.sleep(0.05)


async def test_segments_are_there_while_the_prediction_runs(
    client: Client, heard: Heard, recording: Path
) -> None:
    created = await client.create_from_file(recording, initial_prompt="say=3 sleep=20")
    await until_texts(heard, created["id"], ["segment 0", "segment 1", "segment 2"])
    assert (await client.get(created["id"]))["status"] == "processing"
    assert await heard.segments(Key(created["id"]), 2) == [
        {"start": 2.0, "end": 3.0, "text": "segment 2"}
    ]
    assert await heard.segments(Key(created["id"]), 3) == []
    await client.cancel(created["id"])
    await client.finish(created["id"])


async def test_segments_lost_repeated_or_of_an_older_run_do_no_harm(
    client: Client, cog: Impostor, redis: "Redis", sealed: Sealed, heard: Heard, recording: Path
) -> None:
    created = await client.create_from_file(recording, initial_prompt="sleep=60")
    one = created["id"]
    assert await cog.segments(one, 1, 0, "a", "b") == 200
    assert await cog.segments(one, 1, 0, "a", "b", "c") == 200
    assert await cog.segments(one, 1, 5, "f") == 200
    assert await texts(heard, one) == ["a", "b", "c"]
    assert await cog.segments(one, 2, 0, "x") == 200
    assert await cog.segments(one, 1, 1, "late") == 200
    assert await texts(heard, one) == ["x"]
    for first, text in ((-1, "a"), ("0", "a"), (0, 7)):
        assert await cog.segments(one, 2, first, text) == 400
    for batches in (None, [7], [{"windows": 1}], [{"first": "0"}]):
        assert await cog.segments(one, 2, 0, "a", batches=batches) == 400
    await client.cancel(one)
    assert (await client.finish(one))["status"] == "canceled"
    # What is over stays as it is; what is erased is gone.
    assert await cog.segments(one, 3, 0, "too late") == 200
    assert await texts(heard, one) == ["x"]
    assert await Store(redis, sealed, 60, 100).erase(Key(one))
    assert await texts(heard, one) == []
    assert await cog.segments(one, 1, 0, "of nothing") == 200
    assert await texts(heard, one) == []


async def test_what_a_lost_run_heard_is_there_for_the_next(
    client: Client, cog: Impostor, heard: Heard, recording: Path
) -> None:
    one = (await client.create_from_file(recording, initial_prompt="sleep=60"))["id"]
    first, second = [{"first": n, "windows": 1, "segments": []} for n in range(2)]
    for _ in range(2):
        assert await cog.segments(one, 1, 0, "a", "b", "c", batches=[first, second]) == 200
    assert await cog.batches(one, 2) == [first, second]
    # The next run went on behind the first batch, in which two things were said.
    longer = {**second, "windows": 2}
    assert await cog.segments(one, 2, 2, "d", batches=[longer]) == 200
    assert await cog.segments(one, 1, 2, "late", batches=[second]) == 200
    assert await texts(heard, one) == ["a", "b", "d"]
    assert await cog.batches(one, 3) == [first, longer]
    assert await cog.batches(one, 3, signed=2) == 403
    await client.cancel(one)
    assert (await client.finish(one))["status"] == "canceled"
    assert await cog.batches(one, 3) == []


async def test_segments_need_the_signature_of_their_run(
    cog: Impostor, internal_port: int, timed: RunningStack
) -> None:
    for signature in ("0" * 64, sign(timed.webhook_secret, "webhook", "x", "1")):
        url = f"http://127.0.0.1:{internal_port}/segments/x/1/{signature}"
        assert await cog.post(url, {"first": 0, "segments": []}) == 403


async def test_recordings_need_their_signature(
    session: aiohttp.ClientSession, internal_port: int
) -> None:
    for path in ("/audio/x/" + "0" * 64, "/audio/..%2f..%2fetc%2fpasswd/" + "0" * 64):
        async with session.get(f"http://127.0.0.1:{internal_port}{path}") as response:
            assert response.status in (403, 404)


async def test_the_internal_routes_are_not_public(
    timed: RunningStack, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {timed.token}"}
    for path in ("/worker", "/webhook/x/1/y", "/audio/x/y"):
        async with session.post(timed.url + path, headers=headers, data=b"{}") as response:
            assert response.status == 404
