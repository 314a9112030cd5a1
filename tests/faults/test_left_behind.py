"""What is deleted, or has expired, is gone: from Redis and its file, from folders and from logs."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from stack.client import Client
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack
from tests.fixtures.receivers import refusing

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(300)]
PROMPT, NAME, FILE = "Zanzibar prompt", "Zanzibar speaker", "zanzibar-file.wav"
SHORTEST = 12  # characters of a segment that can have come from nowhere else


@dataclass
class Place:
    """Where a stack keeps things."""

    stack: RunningStack
    folder: Path
    redis: Redis

    async def holds(self, words: list[str]) -> list[str]:
        """Where any of the words is found: keys of Redis, its lists of commands, and files."""
        wanted = [word.encode() for word in words]
        found = await self.in_redis(words)
        for path in self.folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError, OSError):
                if path.is_file() and (_any(wanted, path.read_bytes()) or FILE in path.name):
                    found.append(str(path.relative_to(self.folder)))
        return sorted(found)

    async def in_redis(self, words: list[str]) -> list[str]:
        """The same, in Redis alone."""
        wanted = [word.encode() for word in words]
        return [key async for key, value in self._values() if _any(wanted, value)]

    async def _values(self) -> AsyncIterator[tuple[str, bytes]]:
        async for key in self.redis.scan_iter():
            yield repr(key), key + repr(await self._value(key)).encode()
        yield "slowlog", repr(await self.redis.slowlog_get(1000)).encode()
        yield "clients", repr(await self.redis.client_list()).encode()

    async def _value(self, key: bytes) -> Any:
        match await self.redis.type(key):
            case b"hash":
                return await self.redis.hgetall(key)
            case b"zset":
                return await self.redis.zrange(key, 0, -1)
            case b"set":
                return await self.redis.smembers(key)
            case b"stream":
                return await self.redis.xrange(key)
            case b"list":
                return await self.redis.lrange(key, 0, -1)
            case _:
                return await self.redis.get(key)

    async def rewrite(self) -> None:
        """Redis writes its append-only file anew; without it, what was deleted is in there."""
        await self.redis.config_set("rdbcompression", "no")  # so that words stay words
        await self.redis.bgrewriteaof()
        async with asyncio.timeout(30):
            while (await self.redis.info("persistence"))["aof_rewrite_in_progress"]:
                await asyncio.sleep(0.05)


def _any(wanted: list[bytes], content: bytes) -> bool:
    lower = content.lower()
    return any(word.lower() in lower for word in wanted)


@contextlib.contextmanager
def _stack(folder: Path, **environ: str) -> Iterator[RunningStack]:
    temporary = folder / "tmp"
    temporary.mkdir()
    stack = start_stack(
        folder,
        TMPDIR=str(temporary),
        LOG_LEVEL="DEBUG",
        ACCESS_LOG="1",
        KEEP_RECORDINGS="600",
        **environ,
    )
    try:
        yield stack
    finally:
        stop_stack(stack)


@contextlib.asynccontextmanager
async def _place(stack: RunningStack, folder: Path) -> AsyncIterator[Place]:
    environ = Path(f"/proc/{stack.pid('bridge')}/environ").read_text().split("\0")
    (url,) = [entry.partition("=")[2] for entry in environ if entry.startswith("REDIS_URL=")]
    async with Redis.from_url(url) as redis:
        yield Place(stack, folder, redis)


async def _transcribed(client: Client, receiver: str) -> tuple[str, str, list[str]]:
    """A prediction that succeeded, its file, and what was said in it."""
    form = aiohttp.FormData()
    form.add_field("content", io.BytesIO(RECORDING.read_bytes()), filename=FILE)
    file = await client._call("POST", "/v1/files", data=form)
    given = {"audio_file": file["urls"]["get"], "initial_prompt": PROMPT}
    webhook = {"webhook": receiver, "webhook_events_filter": ["completed"]}
    created = await client.create({"input": given, **webhook})
    ended = await client.finish(created["id"])
    assert ended["status"] == "succeeded", ended
    texts = [segment["text"].strip() for segment in ended["output"]["segments"]]
    said = [text for text in texts if len(text) >= SHORTEST]
    assert said
    return created["id"], file["id"], said


async def test_nothing_is_left_of_what_was_deleted(tmp_path: Path) -> None:
    with _stack(tmp_path) as stack:
        headers = {"Authorization": f"Bearer {stack.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            _place(stack, tmp_path) as place,
            refusing() as receiver,
        ):
            client = Client(session, stack.url, stack.token)
            one, file, said = await _transcribed(client, receiver)
            words = [*said, PROMPT, NAME, FILE]
            url = f"{stack.url}/v1/predictions/{one}"
            edits = {"edits": [{"edit": "rename", "speaker": "SPEAKER_00", "name": NAME}]}
            async with session.put(
                f"{url}/transcript", json=edits, headers={"If-Match": "*"}
            ) as answer:
                assert answer.status == 200
            async with session.get(f"{url}/output?format=srt") as answer:
                assert NAME in await answer.text()
            async with asyncio.timeout(20):
                while not await place.redis.hlen("webhooks:dead"):
                    await asyncio.sleep(0.05)
            before = await place.holds(words)
            assert any("prediction:" in where for where in before)
            assert any("appendonly" in where for where in before)
            for gone in (url, f"{stack.url}/v1/files/{file}"):
                async with session.delete(gone) as answer:
                    assert answer.status == 204
            await place.rewrite()
            async with asyncio.timeout(10):
                while (found := await place.holds(words)) and any("aof" in one for one in found):
                    await asyncio.sleep(0.1)
            assert found == []
            assert not await place.redis.exists("webhooks:dead", "webhooks:tries")
            # The id is no word, yet it stands nowhere but where repetitions are recognized.
            left = [where for where in await place.holds([one]) if "log" not in where]
            assert all("idempotency" in where or "appendonly" in where for where in left), left


async def test_nothing_is_left_of_what_has_expired(tmp_path: Path) -> None:
    with _stack(tmp_path, RESULT_TTL="10", FILE_TTL="10") as stack:
        headers = {"Authorization": f"Bearer {stack.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            _place(stack, tmp_path) as place,
            refusing() as receiver,
        ):
            client = Client(session, stack.url, stack.token)
            one, _, said = await _transcribed(client, receiver)
            words = [*said, PROMPT, FILE]
            assert await place.holds(words)
            async with asyncio.timeout(100):
                # Recordings that may be listened to, and dead letters, go with the sweep, once a
                # minute. What is written anew before that would hold them still.
                while await place.in_redis(words) or any((tmp_path / "files").glob("[!.]*")):
                    await asyncio.sleep(0.5)
            assert not await place.redis.exists(f"prediction:{one}")
            await place.rewrite()
            async with asyncio.timeout(10):
                while await place.holds(words):
                    await asyncio.sleep(0.1)
