"""Channels apart, and a language for every window: people, by every route that transcribes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai import OpenAI
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words
from evaluation.sounds import as_wav, in_a_row
from stack.client import Client
from stack.settings import ROOT
from tests.conftest import RunningStack
from tests.fixtures.media import Voice, film
from tests.speech.conftest import PEOPLE, sound
from transcription.language import code_of
from transcription.notices import notice

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(600)]

READER, CALLER = "librivox/sense-0870", "prompts-en/ss-noservice"
ENGLISH, FRENCH = "prompts-en/ss-noservice", "prompts-fr/ss-noservice"
APART = {"channels": "separate", "language": "en"}
# Windows short enough that no window holds both languages.
SEVERAL = {"multilingual": "true", "chunk_size": "12"}
CLIENT = (sys.executable, "-m", "client", "transcribe")
TRACKS = (ENGLISH, FRENCH)
BY_TRACK = pytest.mark.parametrize(("track", "language"), [("1", "en"), ("2", "fr")])
Shown = Sequence[Mapping[str, Any]]
BY_FORM = pytest.mark.parametrize(
    ("path", "part", "more"),
    [
        ("/transcribe", "file", {}),
        ("/asr", "audio_file", {"output": "json"}),
        ("/v1/audio/transcriptions", "file", {"model": "base", "response_format": "verbose_json"}),
        ("/audio/transcribe-with-speakers", "file", {}),
    ],
)


@dataclass(frozen=True)
class Routes:
    """Every route that transcribes, asked the same."""

    stack: RunningStack
    recordings: Mapping[str, Path]

    async def posted(self, path: str, name: str, part: str, **fields: str) -> Any:
        """The JSON that a form is answered with."""
        headers = {"Authorization": f"Bearer {self.stack.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            form = aiohttp.FormData(fields)
            with self.recordings[name].open("rb") as file:
                form.add_field(part, file, filename=f"{name}.wav")
                async with session.post(f"{self.stack.url}{path}", data=form) as answer:
                    assert answer.status == 200, await answer.text()
                    return json.loads(await answer.text())


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Two people at once, one a channel; in two languages, one after the other; and as tracks."""
    folder = tmp_path_factory.mktemp("apart")
    content = {
        "both": as_wav(sound(READER), sound(CALLER)),
        "languages": as_wav(in_a_row(sound(ENGLISH), sound(FRENCH), pause=2.0)),
        "tracks": film("matroska", *(Voice(sound(name), "flac", 16_000) for name in TRACKS)),
    }
    for name, written in content.items():
        (folder / f"{name}.wav").write_bytes(written)
    return {name: folder / f"{name}.wav" for name in content}


@pytest.fixture
def routes(stack: RunningStack, recordings: Mapping[str, Path]) -> Routes:
    return Routes(stack, recordings)


def lost_no_word(segments: Shown, key: str, whose: Mapping[Any, str]) -> None:
    """Each of ``whose`` names, by the segments' ``key``, has the words of its own clip."""
    assert {segment[key] for segment in segments} == set(whose)
    for value, name in whose.items():
        is_of(" ".join(segment["text"] for segment in segments if segment[key] == value), name)


def is_of(text: str, name: str) -> None:
    """What was heard are the words of that clip."""
    clip = PEOPLE[name]
    truth = counted_words(clip.text, clip.language)
    wrong = Levenshtein.distance(counted_words(text, clip.language), truth)
    assert wrong <= 0.15 * len(truth), text


def at_once(segments: Shown, key: str) -> bool:
    """Whether segments of two overlap in time, in the order of their starts."""
    starts = [segment["start"] for segment in segments]
    assert starts == sorted(starts)
    return any(
        one[key] != other[key] and one["start"] < other["end"] and other["start"] < one["end"]
        for one in segments
        for other in segments
    )


async def test_channels_apart_in_a_prediction(client: Client, routes: Routes) -> None:
    created = await client.create_from_file(routes.recordings["both"], **APART)
    ended = await client.finish(created["id"])
    assert ended["status"] == "succeeded", ended["error"]
    segments = ended["output"]["segments"]
    lost_no_word(segments, "channel", {1: READER, 2: CALLER})
    assert at_once(segments, "channel")
    for segment in segments:
        assert segment["speaker"] == f"SPEAKER_{segment['channel'] - 1:02}"
        assert {word["speaker"] for word in segment["words"]} == {segment["speaker"]}
        assert all(segment["start"] <= w["start"] <= w["end"] for w in segment["words"])
        assert segment["words"][-1]["end"] <= segment["end"] <= ended["output"]["duration"]


def test_channels_apart_by_openais_client(openai: OpenAI, routes: Routes) -> None:
    found: Any = openai.audio.transcriptions.create(
        file=routes.recordings["both"],
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        extra_body=APART,
    )
    segments = [segment.model_dump() for segment in found.segments]
    first = next(segment for segment in segments if segment["speaker"] == "A")["channel"]
    order = (READER, CALLER) if first == 1 else (CALLER, READER)
    lost_no_word(segments, "speaker", dict(zip("AB", order, strict=True)))
    lost_no_word(segments, "channel", {1: READER, 2: CALLER})
    assert at_once(segments, "speaker")


@BY_FORM
async def test_channels_apart_by_form(
    routes: Routes, path: str, part: str, more: dict[str, str]
) -> None:
    found = await routes.posted(path, "both", part, **APART, **more)
    lost_no_word(found["segments"], "channel", {1: READER, 2: CALLER})
    assert at_once(found["segments"], "channel")


@pytest.mark.parametrize("name", ["both", "languages"])
def test_by_the_command_line(routes: Routes, name: str, tmp_path: Path) -> None:
    given = APART if name == "both" else SEVERAL
    settings = [part for item in given.items() for part in ("--set", "=".join(item))]
    wanted = ["--format", "json,srt", "--out", str(tmp_path), "--speakers", "auto"]
    ours = {"WHISPERX_URL": routes.stack.url, "WHISPERX_TOKEN": routes.stack.token}
    ended = subprocess.run(
        [*CLIENT, str(routes.recordings[name]), *settings, *wanted],
        env={**os.environ, **ours, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    segments = json.loads((tmp_path / f"{name}.json").read_text())["segments"]
    if name == "both":
        lost_no_word(segments, "channel", {1: READER, 2: CALLER})
        subtitles = (tmp_path / "both.srt").read_text()
        assert "[SPEAKER_00]: " in subtitles
        assert "[SPEAKER_01]: " in subtitles
    else:
        lost_no_word(segments, "language", {"en": ENGLISH, "fr": FRENCH})


async def test_a_language_for_every_window_in_a_prediction(client: Client, routes: Routes) -> None:
    created = await client.create_from_file(routes.recordings["languages"], **SEVERAL)
    ended = await client.finish(created["id"])
    assert ended["status"] == "succeeded", ended["error"]
    output = ended["output"]
    lost_no_word(output["segments"], "language", {"en": ENGLISH, "fr": FRENCH})
    words = {segment["language"]: segment["words"] for segment in output["segments"]}
    assert all(word["end"] > word["start"] for own in words.values() for word in own)
    # No aligner is loaded here, and each language was in want of its own.
    for language in ("en", "fr"):
        assert notice("timed_by_whisper", language=language) in output["warnings"]


def test_a_language_for_every_window_by_openais_client(openai: OpenAI, routes: Routes) -> None:
    found: Any = openai.audio.transcriptions.create(
        file=routes.recordings["languages"], model="whisper-1", extra_body=SEVERAL
    )
    assert [language.code for language in found.languages] == ["en", "fr"]
    assert {"service", "numéro"} <= set(found.text.lower().replace(".", " ").split())


@BY_FORM
async def test_a_language_for_every_window_by_form(
    routes: Routes, path: str, part: str, more: dict[str, str]
) -> None:
    found = await routes.posted(path, "languages", part, **SEVERAL, **more)
    lost_no_word(found["segments"], "language", {"en": ENGLISH, "fr": FRENCH})


@BY_TRACK
@BY_FORM
async def test_the_language_of_the_track_by_form(
    routes: Routes, path: str, part: str, more: dict[str, str], track: str, language: str
) -> None:
    found = await routes.posted(path, "tracks", part, audio_track=track, **more)
    assert code_of(found["language"]) == language
    is_of(found["text"], TRACKS[int(track) - 1])


@BY_TRACK
async def test_the_language_of_the_track_without_a_transcript(
    routes: Routes, track: str, language: str
) -> None:
    query = f"/detect-language?audio_track={track}"
    found = await routes.posted(query, "tracks", "audio_file")
    assert found["language_code"] == language
    assert found["confidence"] > 0.5
