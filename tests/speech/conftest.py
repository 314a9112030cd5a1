"""One real Whisper, base, for all tests on people's speech; and the people."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words
from evaluation.people import Clip, clips
from evaluation.sounds import as_wav
from transcription.audio import Samples, decode
from transcription.engine import Engine
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Transcript

CORPUS = Path(__file__).with_name("corpus")
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
def base_engine() -> Engine:
    """MODELS of the environment, else base, from wherever it can be had."""
    pytest.importorskip("whisperx")
    from models.sources import CannotFetch
    from transcription.engine.fetching import fetch_missing
    from transcription.engine.settings import Settings
    from transcription.engine.whisperx_engine import WhisperxEngine

    settings = Settings.from_environment({"MODELS": "base", **os.environ})
    try:
        fetch_missing(settings)
    except CannotFetch as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return WhisperxEngine(settings)


@pytest.fixture(scope="session")
def ears(base_engine: Engine) -> Ears:
    return Ears(Pipeline(base_engine))
