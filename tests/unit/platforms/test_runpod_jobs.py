"""RunPod's jobs on the demo models, without RunPod's library."""

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from platforms.core import Sources
from platforms.runpod.jobs import Handler, Job
from platforms.runpod.settings import RunpodSettings
from platforms.worker import Worker
from tests.conftest import RECORDING, clip_uri
from tests.fixtures.walks import walking
from transcription.audio.sandboxed import Decoder

TEXT = base64.b64encode(b"not a recording").decode()


@pytest.fixture(scope="module")
def settings() -> RunpodSettings:
    return RunpodSettings.from_environment({"MODELS": "demo", "USE_CPU": "1"})


@pytest.fixture(scope="module")
def worker(settings: RunpodSettings) -> Iterator[Worker]:
    decoder = Decoder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", tempfile.gettempdir())  # a worker has one of its own
        patch.setattr("platforms.worker.Decoder", lambda: decoder)
        sources = Sources.from_environment({"ALLOWED_PRIVATE_HOSTS": "127.0.0.1"})
        yield Worker(settings.core, sources)
    decoder.close()


async def ignore(_job: Job, _share: float) -> None:
    pass


@pytest.fixture
def handler(settings: RunpodSettings, worker: Worker) -> Handler:
    return Handler(settings, worker, ignore)


@pytest.fixture
async def host() -> AsyncIterator[TestServer]:
    """Serves `/conversation.wav`, and nothing else."""

    async def conversation(_: web.Request) -> web.FileResponse:
        return web.FileResponse(RECORDING)

    app = web.Application()
    app.router.add_get("/conversation.wav", conversation)
    server = TestServer(app)
    async with server:
        yield server


def kept() -> list[Path]:
    """Recordings and clips on this machine."""
    return list(Path(tempfile.gettempdir()).glob("recording-*"))


async def run(handler: Handler, **inputs: Any) -> Any:
    output = await handler({"id": "a job", "input": {"language": "en", **inputs}})
    assert kept() == []
    return output


async def test_a_recording_is_fetched_transcribed_and_deleted(
    handler: Handler, host: TestServer
) -> None:
    url = str(host.make_url("/conversation.wav"))
    known = {"known_speaker_names": ["Peter"], "known_speaker_references": [clip_uri("Peter")]}
    output = await run(handler, audio=url, **known)
    assert output["joined_text"].startswith("Hello Maria")
    assert output["model_output"]["speaker_embeddings"]["Peter"]


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"batch_size": 0}, "batch_size: 0 is less than the minimum, 1"),
        ({"whisper_model": "tiny"}, "whisper_model: this service was started with: demo"),
        ({}, "audio: an http(s) URL is required, or a file in audio_base_64"),
        ({"audio": ["x"]}, "audio: an http(s) URL is required, or a file in audio_base_64"),
        ({"audio_base_64": 7, "audio": "http://127.0.0.1:1/"}, "audio_base_64: must be a text"),
        ({"audio_base_64": TEXT}, "audio_base_64: is a text, not a recording"),
    ],
)
async def test_options_are_checked_before_the_recording(
    handler: Handler, inputs: dict[str, Any], error: str
) -> None:
    known = {"known_speaker_names": ["Ada"], "known_speaker_references": [clip_uri("Peter")]}
    assert await run(handler, **known, **inputs) == {"error": error}


async def test_the_recording_is_reported_before_a_clip(handler: Handler, host: TestServer) -> None:
    url = str(host.make_url("/conversation.wav"))
    known = {"known_speaker_names": ["Ada"], "known_speaker_references": ["data:;base64,!"]}
    missing = await run(handler, audio=f"{url}x", **known)
    assert missing == {"error": "audio: cannot be fetched: the server answered 404 Not Found"}
    clip = await run(handler, audio=url, **known)
    assert clip["error"].startswith("known_speaker_references: clip 1: is not valid base64")


async def test_nothing_is_left_of_a_job_that_was_cancelled(
    settings: RunpodSettings, worker: Worker, host: TestServer
) -> None:
    began = asyncio.Event()

    async def send(_job: Job, _share: float) -> None:
        began.set()

    url = str(host.make_url("/conversation.wav"))
    job = asyncio.create_task(run(Handler(settings, worker, send), audio=url))
    async with asyncio.timeout(60):
        await began.wait()
    assert kept()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert kept() == []


async def test_a_reader_comes_back_to_few_modules(handler: Handler, host: TestServer) -> None:
    url = str(host.make_url("/conversation.wav"))
    with walking("Handler.__call__", "platforms/", end="fetch") as walk:
        await run(handler, audio=url)
    assert walk.ended, str(walk)
    # Then the worker goes on, in a thread that is not followed, and calls the pipeline.
    assert 0 < walk.returns + 1 <= 4, str(walk)
