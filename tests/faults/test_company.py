"""Several runs in one worker: they neither mix nor harm each other, and die together once."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from evaluation import recordings
from stack.client import Client
from tests.conftest import RunningStack, start_stack, stop_stack

PREDICTOR = "evaluation/predictors/company.py:Predictor"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("company")
    running = start_stack(folder, COG_PREDICT_TYPE_STUB=PREDICTOR, COG_SLOTS="3")
    yield running
    stop_stack(running)


@pytest.fixture
async def client(company: RunningStack) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, company.url, company.token)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recordings.write(tmp_path / "second.wav", 1)


async def until(client: Client, prediction_id: str, status: str) -> dict[str, Any]:
    """The record when it has that status, or has ended."""
    async with asyncio.timeout(60):
        async for prediction in client.follow(prediction_id):
            if prediction["status"] == status or prediction["completed_at"]:
                return prediction
    raise AssertionError("it never ended")


async def test_runs_beside_each_other_keep_their_logs_and_errors(
    client: Client, recording: Path
) -> None:
    wishes = ["logs=12", "logs=11 fail=of the second", "logs=10"]
    created = [await client.create_from_file(recording, initial_prompt=wish) for wish in wishes]
    ended = [await client.finish(each["id"]) for each in created]
    assert [each["status"] for each in ended] == ["succeeded", "failed", "succeeded"]
    assert ended[1]["error"] == "of the second"
    for prediction, lines in zip(ended, (12, 11, 10), strict=True):
        assert re.findall(r"(\d+)/(\d+)", prediction["logs"]) == [
            (str(number), str(lines)) for number in range(1, lines + 1)
        ]
    assert max(each["started_at"] for each in ended) < min(each["completed_at"] for each in ended)


async def test_a_cancel_ends_one_of_several_and_gives_its_slot_to_the_next(
    client: Client, recording: Path
) -> None:
    slow = [
        await client.create_from_file(recording, initial_prompt=f"sleep={n}") for n in (8, 60, 8)
    ]
    for each in slow:
        assert (await until(client, each["id"], "processing"))["status"] == "processing"
    queued = await client.create_from_file(recording)
    assert (await client.get(queued["id"]))["status"] == "starting"
    await client.cancel(slow[1]["id"])
    assert (await client.finish(slow[1]["id"]))["status"] == "canceled"
    following = await client.finish(queued["id"])
    others = [await client.finish(slow[0]["id"]), await client.finish(slow[2]["id"])]
    assert [each["status"] for each in (following, *others)] == ["succeeded"] * 3
    assert following["completed_at"] < min(each["completed_at"] for each in others)


@pytest.mark.timeout(240)
async def test_what_was_lost_in_company_is_repeated_alone_and_not_charged(
    company: RunningStack, client: Client, recording: Path
) -> None:
    killer = await client.create_from_file(recording, initial_prompt="sleep=3 die")
    others = [await client.create_from_file(recording, initial_prompt="sleep=5") for _ in range(2)]
    for each in (killer, *others):
        assert (await until(client, each["id"], "processing"))["status"] == "processing"
    ended = [await client.finish(each["id"]) for each in others]
    assert [each["status"] for each in ended] == ["succeeded", "succeeded"]
    blamed = await client.finish(killer["id"])
    assert blamed["status"] == "failed"
    assert "lost 3 times" in blamed["error"]
    log = company.log("bridge")
    lost = [log.count(f"run {number} was lost") for number in (1, 2, 3, 4)]
    assert lost[0] == 3, "all of them died together"
    assert lost[1] >= 1
    assert (log.count(f"prediction {killer['id']}: run 4 was lost"), lost[3]) == (1, 1)
    for each in others:  # the killer took nobody along again
        assert log.count(f"prediction {each['id']}: run ") == 1
