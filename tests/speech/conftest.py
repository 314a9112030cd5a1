"""One real Whisper, base, for all tests on people's speech; and the people."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from openai import OpenAI
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words
from evaluation.people import CORPUS, Clip, clips
from evaluation.sounds import as_wav
from stack.client import Client
from tests.conftest import RunningStack, start_stack, stop_stack
from transcription.audio import Samples, decode
from transcription.engine import Engine
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Transcript

PEOPLE = {f"{clip.group}/{clip.name}": clip for clip in clips(CORPUS)}


def said_in(*groups: str) -> list[Clip]:
    """The clips of these groups."""
    return [clip for clip in PEOPLE.values() if clip.group in groups]


def sound(name: str) -> Samples:
    """One clip's samples."""
    return decode(PEOPLE[name].audio)


@dataclass(frozen=True, slots=True)
class Ears:
    """What hears: recognition alone, where a test does not ask for more."""

    pipeline: Pipeline

    def hear(self, samples: Samples, **options: Any) -> Transcript:
        """The transcript of ``samples``."""
        asked = Options(**{"align_output": False, "diarization": False, **options})
        return self.pipeline.transcribe(as_wav(samples), asked).transcript


def text_of(transcript: Transcript) -> str:
    return " ".join(segment.text for segment in transcript.segments)


def errors(transcript: Transcript, said: Sequence[Clip]) -> float:
    """The word error rate, as Whisper's authors count."""
    language = said[0].language
    truth = counted_words(" ".join(clip.text for clip in said), language)
    return Levenshtein.distance(truth, counted_words(text_of(transcript), language)) / len(truth)


@pytest.fixture(scope="session")
def base_environment() -> dict[str, str]:
    """The variables of a service with base, which is here then; MODELS may name another model."""
    pytest.importorskip("whisperx")
    from models.sources import CannotFetch
    from transcription.engine.fetching import fetch_missing
    from transcription.engine.settings import Settings

    # What lies in this repository: the tests are the same wherever they run.
    usual = {"MODELS": "base", "ALIGN_LANGUAGES": "", "DIARIZATION_MODEL": "base"}
    environment = {name: os.environ.get(name) or value for name, value in usual.items()}
    try:
        fetch_missing(Settings.from_environment({**os.environ, **environment}))
    except CannotFetch as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return environment


@pytest.fixture(scope="session")
def base_engine(base_environment: dict[str, str]) -> Engine:
    """Base, loaded once for all."""
    from transcription.engine.settings import Settings
    from transcription.engine.whisperx_engine import WhisperxEngine

    return WhisperxEngine(Settings.from_environment({**os.environ, **base_environment}))


@pytest.fixture(scope="session")
def ears(base_engine: Engine) -> Ears:
    return Ears(Pipeline(base_engine))


@pytest.fixture(scope="session")
def stack(
    base_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    """A stack on base as it is without any setting, once for all."""
    running = start_stack(tmp_path_factory.mktemp("stack"), COG_SLOTS="", **base_environment)
    yield running
    stop_stack(running)


@pytest.fixture
def openai(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, max_retries=0) as client:
        yield client


@pytest.fixture
async def client(stack: RunningStack) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, stack.url, stack.token)
