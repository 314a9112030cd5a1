"""What happens in between: cancelling, a bridge that ends or dies, a worker that dies."""

import asyncio
import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from evaluation import recordings
from stack.client import Client, progress
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack, wait_until

CPU_BATCH = 8  # windows under way at once on a processor: `transcription.engine.recognition`


async def run_until_busy(client: Client, recording: Path) -> str:
    """Start a long prediction; its id, once it is under way."""
    created = await client.create_from_file(recording)
    async for prediction in client.follow(created["id"]):
        assert prediction["completed_at"] is None, prediction
        if prediction["status"] == "processing" and progress(prediction["logs"]) > 0:
            break
    prediction_id: str = created["id"]
    return prediction_id


async def test_a_running_prediction_can_be_cancelled(
    client: Client, long_recording: Path, short_recording: Path
) -> None:
    running = await run_until_busy(client, long_recording)
    asked = await client.cancel(running)
    assert asked["id"] == running
    async with asyncio.timeout(20):
        ended = await client.finish(running)
    assert ended["status"] == "canceled"
    assert ended["output"] is None
    following = await client.create_from_file(short_recording)
    assert (await client.finish(following["id"]))["status"] == "succeeded"


async def test_a_queued_prediction_that_is_cancelled_never_runs(
    client: Client, long_recording: Path, short_recording: Path
) -> None:
    running = await run_until_busy(client, long_recording)
    queued = await client.create_from_file(short_recording)
    assert (await client.cancel(queued["id"]))["status"] == "canceled"
    await client.cancel(running)
    await client.finish(running)
    after = await client.create_from_file(short_recording)
    await client.finish(after["id"])
    ended = await client.get(queued["id"])
    assert ended["status"] == "canceled"
    assert ended["started_at"] is None
    assert ended["logs"] == ""


async def test_cancelling_what_has_ended_changes_nothing(
    client: Client, short_recording: Path
) -> None:
    created = await client.create_from_file(short_recording)
    ended = await client.finish(created["id"])
    assert await client.cancel(created["id"]) == ended


async def test_a_bridge_that_is_stopped_finishes_what_runs(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    stack = await asyncio.to_thread(start_stack, tmp_path, LOG_LEVEL="INFO")
    try:
        client = Client(session, stack.url, stack.token)
        created = await client.create_from_file(RECORDING)
        async for prediction in client.follow(created["id"]):
            if prediction["status"] == "processing":
                break
        stop_bridge(stack, signal.SIGTERM)
        ended = await client.finish(created["id"])
        assert ended["status"] == "succeeded"
        log = stack.log("bridge")
        assert log.count(f"{created['id']}: processing") == 1, "it was not run again"
    finally:
        await asyncio.to_thread(stop_stack, stack)


@pytest.mark.slow
async def test_a_bridge_that_is_killed_loses_nothing(
    stack: RunningStack, client: Client, short_recording: Path
) -> None:
    earlier = await client.create_from_file(short_recording)
    result = await client.finish(earlier["id"])
    running = await client.create_from_file(RECORDING)
    queued = await client.create_from_file(short_recording)
    async for prediction in client.follow(running["id"]):
        if prediction["status"] == "processing":
            break
    stop_bridge(stack, signal.SIGKILL)
    assert await client.get(earlier["id"]) == result
    for created in (running, queued):
        assert (await client.finish(created["id"]))["status"] == "succeeded"


@pytest.mark.slow
async def test_a_dead_worker_is_seen_and_replaced_and_its_recording_deleted(
    stack: RunningStack, client: Client, short_recording: Path, long_recording: Path
) -> None:
    running = await run_until_busy(client, long_recording)
    worker = worker_pid(stack)
    kept = scratch_of(worker)
    assert long_recording.stat().st_size in {file.stat().st_size for file in kept.iterdir()}
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not stack.healthy(), "the dead worker is seen")
    await client.cancel(running)
    wait_until(stack.healthy, "Cog is back", 90)
    assert not kept.exists()
    created = await client.create_from_file(short_recording)
    assert (await client.finish(created["id"]))["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_whose_worker_dies_late_is_not_begun_anew(
    stack: RunningStack, client: Client, long_recording: Path
) -> None:
    options = {"diarization": False, "chunk_size": 5}
    whole = await client.create_from_file(long_recording, **options)
    expected = await client.finish(whole["id"])
    created = await client.create_from_file(long_recording, **options)
    async for prediction in client.follow(created["id"]):
        # 15 of 80 parts come before recognition, 50 are recognition: 90 % of those.
        if prediction["status"] == "processing" and progress(prediction["logs"]) >= 75:
            break
    os.kill(worker_pid(stack), signal.SIGKILL)
    ended = await client.finish(created["id"])
    assert (ended["status"], ended["output"]) == ("succeeded", expected["output"])
    metrics = ended["metrics"]
    assert metrics["windows"] == expected["metrics"]["windows"] > 80
    assert metrics["windows_resumed"] >= 0.9 * metrics["windows"] - CPU_BATCH
    assert expected["metrics"]["windows_resumed"] == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_is_handed_on_is_not_recognized_anew(
    tmp_path: Path, session: aiohttp.ClientSession, long_recording: Path
) -> None:
    stack = await asyncio.to_thread(start_stack, tmp_path, DRAIN_SECONDS="1")
    try:
        client = Client(session, stack.url, stack.token)
        options = {"diarization": False, "chunk_size": 5}
        created = await client.create_from_file(long_recording, **options)
        async for prediction in client.follow(created["id"]):
            if prediction["status"] == "processing" and progress(prediction["logs"]) >= 45:
                break
        stop_bridge(stack, signal.SIGTERM)
        ended = await client.finish(created["id"])
    finally:
        await asyncio.to_thread(stop_stack, stack)
    assert ended["status"] == "succeeded"
    windows, resumed = ended["metrics"]["windows"], ended["metrics"]["windows_resumed"]
    assert 0.6 * windows - CPU_BATCH <= resumed < windows


def worker_pid(stack: RunningStack) -> int:
    """The only child of Cog's server."""
    threads = Path(f"/proc/{stack.pid('cog')}/task").iterdir()
    (child,) = " ".join((thread / "children").read_text() for thread in threads).split()
    return int(child)


def scratch_of(process: int) -> Path:
    """The folder of the process's temporary files, by the lock that it holds there."""
    opened = [file.readlink() for file in Path(f"/proc/{process}/fd").iterdir()]
    (lock,) = (file for file in opened if file.parent.name.startswith("whisperx-scratch-"))
    return lock.parent


def stop_bridge(stack: RunningStack, number: signal.Signals) -> None:
    """Signal the bridge and wait until another one serves."""
    before = stack.pid("bridge")
    os.kill(before, number)
    wait_until(lambda: stack.pid("bridge") != before and stack.healthy(), "a new bridge", 60)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("minutes", "percent"), [(60, 0), (10, 82)])
async def test_a_long_run_lets_go_of_its_slot_soon(
    stack: RunningStack, client: Client, tmp_path: Path, minutes: int, percent: int
) -> None:
    """In the search for speech, and (beyond 80 % of the progress) in the diarization."""
    created = await client.create_from_file(recordings.write(tmp_path / "a.wav", 60 * minutes))
    async for prediction in client.follow(created["id"]):
        assert prediction["completed_at"] is None
        if prediction["status"] == "processing" and progress(prediction["logs"]) >= percent:
            break
    asked = time.monotonic()
    await client.cancel(created["id"])
    assert (await client.finish(created["id"]))["status"] == "canceled"
    wait_until(lambda: cog_is_idle(stack), "the slot is free", 5)
    assert time.monotonic() - asked <= 5


def cog_is_idle(stack: RunningStack) -> bool:
    """Whether Cog would take a run now."""
    with urllib.request.urlopen(f"{stack.cog_url}/health-check", timeout=5) as response:
        return bool(json.load(response)["status"] == "READY")
