"""People through every process: by OpenAI's client, the REST route and predictions."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai import OpenAI

from evaluation.normalizer import counted_words
from evaluation.recordings import write_people
from stack.client import Client
from stack.client import progress as percent
from tests.conftest import RunningStack
from tests.speech.conftest import PEOPLE
from transcription.notices import notice

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(600)]

ENGLISH, SPANISH = PEOPLE["prompts-en/ss-noservice"], PEOPLE["prompts-es/tt-allbusy"]
MUSIC = PEOPLE["music/reno-project-system"]


def said(text: str, language: str = "en") -> set[str]:
    return set(counted_words(text, language))


def test_openai_transcriptions(openai: OpenAI) -> None:
    found: Any = openai.audio.transcriptions.create(
        file=ENGLISH.audio, model="whisper-1", response_format="verbose_json"
    )
    assert found.language == "english"
    assert {"number", "dialed", "service"} <= said(found.text)
    assert 0 <= found.segments[0].start < found.segments[-1].end <= found.duration
    assert "service" in said(" ".join(segment.text for segment in found.segments))


# Without a format the client assumes an old one.
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_openai_translations(openai: OpenAI) -> None:
    found = openai.audio.translations.create(file=SPANISH.audio, model="whisper-1")
    assert said(found.text) & {"representatives", "busy", "occupied", "phone", "wait", "call"}
    assert "llamada" not in said(found.text)


def test_openai_subtitles_of_another_language(openai: OpenAI) -> None:
    found = openai.audio.transcriptions.create(
        file=SPANISH.audio, model="whisper-1", language="es", response_format="srt"
    )
    assert str(found).startswith("1\n00:00:00,")
    assert {"representantes", "llamada"} <= said(str(found), "es")


async def test_rest(stack: RunningStack) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        with SPANISH.audio.open("rb") as file:
            form = aiohttp.FormData()
            form.add_field("file", file, filename=SPANISH.audio.name)
            async with session.post(f"{stack.url}/transcribe", data=form) as response:
                assert response.status == 200
                body = await response.json()
    assert body["language"] == "es"
    assert {"representantes", "llamada"} <= said(body["text"], "es")


async def test_hold_music_is_no_speech(client: Client) -> None:
    created = await client.create_from_file(MUSIC.audio)
    ended = await client.finish(created["id"])
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["output"]["segments"] == []
    assert notice("no_speech") in ended["output"]["warnings"]


async def test_a_real_run_is_cancelled_and_the_next_one_served(
    client: Client, tmp_path: Path
) -> None:
    long = await client.create_from_file(write_people(tmp_path / "people.wav", 240.0))
    async for prediction in client.follow(long["id"]):
        assert prediction["completed_at"] is None, "it ended before it could be cancelled"
        if percent(prediction["logs"]) > 10:
            break
    await client.cancel(long["id"])
    async with asyncio.timeout(60):
        assert (await client.finish(long["id"]))["status"] == "canceled"
    created = await client.create_from_file(ENGLISH.audio, diarization="false")
    ended = await client.finish(created["id"])
    assert "service" in said(" ".join(s["text"] for s in ended["output"]["segments"]))
