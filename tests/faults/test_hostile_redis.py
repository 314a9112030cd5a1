"""What strangers write to Redis is data: it runs no code and costs nobody his result."""

import asyncio
import contextlib
import json
import pickle
import random
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.fault_stack import PREDICTOR
from evaluation import recordings
from stack.client import Client
from stack.settings import free_port
from tests.conftest import RunningStack, clip_uri, start_stack, stop_stack, wait_until
from tests.fixtures import lone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
DOCKETS = ("jobs", "errands", "deliveries")
FORGED = 1000


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "w")


def _task(**changes: Any) -> dict[Any, Any]:
    """A message as the release before wrote it."""
    message: dict[Any, Any] = {
        "key": "somebody",
        "when": "2026-01-01T00:00:00+00:00",
        "function": "cancel",
        "args": pickle.dumps(("somebody",)),
        "kwargs": pickle.dumps({}),
        "attempt": "1",
        "generation": "0",
    }
    return {**message, **changes}


async def _in_the_stream(redis: Redis, docket: str, payload: bytes) -> None:
    await redis.xadd(f"{docket}:stream", _task(args=payload))


async def _in_the_keywords(redis: Redis, docket: str, payload: bytes) -> None:
    await redis.xadd(f"{docket}:stream", _task(kwargs=payload))


async def _parked(redis: Redis, docket: str, payload: bytes) -> None:
    await redis.hset(f"{docket}:somebody", mapping=_task(args=payload))
    await redis.zadd(f"{docket}:queue", {"somebody": 0})


async def _as_a_strike(redis: Redis, docket: str, payload: bytes) -> None:
    strike: dict[Any, Any] = {
        "direction": "strike",
        "operator": "==",
        "parameter": "retry",
        "value": payload,
    }
    await redis.xadd(f"{docket}:strikes", strike)


async def _as_a_run(redis: Redis, docket: str, payload: bytes) -> None:
    run: dict[Any, Any] = {
        "function": "cancel",
        "args": payload,
        "kwargs": payload,
        "when": "1",
        "state": "failed",
    }
    await redis.hset(f"{docket}:runs:somebody", mapping={**run, "result_key": "x"})
    await redis.set(f"{docket}:results:x", payload)


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[tuple[lone.LoneBridge, Redis]]:
    """A bridge without a predictor: it works on errands and deliveries."""
    port = free_port()
    with lone.redis(tmp_path, port), lone.bridge(tmp_path, port) as bridge:
        async with Redis(port=port) as redis:
            yield bridge, redis


@pytest.mark.parametrize("docket", ["errands", "deliveries"])
@pytest.mark.parametrize(
    "place", [_in_the_stream, _in_the_keywords, _parked, _as_a_strike, _as_a_run]
)
async def test_a_pickle_runs_nothing(
    alone: tuple[lone.LoneBridge, Redis], tmp_path: Path, place: Callable[..., Any], docket: str
) -> None:
    bridge, redis = alone
    payload = pickle.dumps(Payload(tmp_path / "ran"))
    await place(redis, docket, payload)
    # Behind it in the same places: what is refused shows that the others were read.
    await _parked(redis, docket, payload)
    await redis.xadd(f"{docket}:stream", _task(key="the last"))
    wait_until(lambda: f"{docket} the last" in bridge.log(), "the last one is refused")
    await _until_canceled_in_time(bridge)
    assert not (tmp_path / "ran").exists()


async def test_what_waits_for_its_time_and_is_not_whole_stops_nothing_else(
    alone: tuple[lone.LoneBridge, Redis],
) -> None:
    bridge, redis = alone
    for name in _task():
        whole = {**_task(key=name)}
        del whole[name]
        await redis.hset(f"errands:{name}", mapping=whole)
    await redis.set("errands:a-text", "text")
    await redis.hset("errands:another", mapping=_task(key="not it"))
    due = dict.fromkeys((*_task(), "a-text", "another", "nothing", "stream", b"\xff"), 0)
    await redis.zadd("errands:queue", due)
    await _until_canceled_in_time(bridge)
    assert await redis.zcount("errands:queue", 0, 1) == 0


async def _until_canceled_in_time(bridge: lone.LoneBridge) -> None:
    """The worker of `errands` still works: it ends a prediction whose deadline has come."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        client = Client(session, bridge.url, lone.TOKEN)
        body = {"input": {"audio_file": clip_uri("Peter")}}
        created = await client.create(body, **{"Cancel-After": "5s"})
        assert (await client.finish(created["id"]))["status"] == "canceled"


@pytest.fixture
def redis_port() -> int:
    return free_port()


@pytest.fixture
def working(tmp_path: Path, redis_port: int) -> Iterator[RunningStack]:
    with lone.redis(tmp_path, redis_port):
        url = f"redis://127.0.0.1:{redis_port}/0"
        running = start_stack(tmp_path, REDIS_URL=url, COG_PREDICT_TYPE_STUB=PREDICTOR)
        yield running
        stop_stack(running)


def _damaged(chance: random.Random, keys: list[str]) -> dict[Any, Any]:
    """A message that is forged, or where something is missing or no text or no number."""
    function = chance.choice(["run", "fetch", "cancel", "deliver", "trace", "os.system"])
    key = chance.choice(keys)
    message = _task(key=key, function=function, args=json.dumps([key]))
    if chance.random() < 0.5:
        message["args"] = f"{chance.randbytes(32).hex()}:{json.dumps([key])}"
    message["when"] = datetime.now(UTC).isoformat()
    for _ in range(chance.randrange(3)):
        name = chance.choice(list(message))
        if chance.random() < 0.4 and len(message) > 1:
            del message[name]
        else:
            message[name] = chance.choice([b"\xff\xfe", "", "-1", "9" * 5000, "nan", "[" * 2000])
    return message


async def test_a_thousand_forged_messages_cost_no_result(
    working: RunningStack, redis_port: int, tmp_path: Path
) -> None:
    chance = random.Random(17)
    second = recordings.write(tmp_path / "second.wav", 1)
    async with aiohttp.ClientSession() as session, Redis(port=redis_port) as redis:
        client = Client(session, working.url, working.token)
        wishes = ["sleep=3", *(f"sleep=1 number {number}" for number in range(5))]
        made = [await client.create_from_file(second, initial_prompt=wish) for wish in wishes]
        ids = [one["id"] for one in made]
        async for prediction in client.follow(ids[0]):
            if prediction["status"] == "processing":
                break
        for _ in range(FORGED):
            docket = chance.choice(DOCKETS)
            message = _damaged(chance, [*ids, "somebody", "stream", f"runs:{ids[0]}"])
            if chance.random() < 0.3 and isinstance(message.get("key"), str):
                with contextlib.suppress(Exception):
                    await redis.hset(f"{docket}:{message['key']}", mapping=message)
                await redis.zadd(f"{docket}:queue", {message["key"]: 0})
            else:
                await redis.xadd(f"{docket}:stream", message)
        for prediction_id in ids:
            await redis.publish(f"jobs:cancel:{prediction_id}", prediction_id)
        async with asyncio.timeout(90):
            ended = [await client.finish(prediction_id) for prediction_id in ids]
        for docket in DOCKETS:
            async with asyncio.timeout(60):
                while await redis.xlen(f"{docket}:stream"):
                    await asyncio.sleep(0.1)
    assert [one["status"] for one in ended] == ["succeeded"] * len(ids)
    assert [one["output"]["segments"][0]["text"] for one in ended] == wishes
    assert working.log("bridge").count("prediction ") == 0 or "was lost" not in working.log(
        "bridge"
    )
    await _counted(working)


async def _counted(stack: RunningStack) -> None:
    async with aiohttp.ClientSession() as session, session.get(stack.metrics_url) as answer:
        text = await answer.text()
    (line,) = [one for one in text.splitlines() if 'redis_refused_total{kind="task"}' in one]
    assert float(line.rpartition(" ")[2]) >= FORGED * 0.7
