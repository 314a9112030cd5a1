"""What a transcript must be whatever the models say. Each test fails on stock whisperx or on the
predictor we replace: docs/differences-from-whisperx.md says how."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.audio.test_decode import recording as tone_in
from tests.unit.transcription.recordings import recording
from transcription.attribution import attribute
from transcription.audio import SAMPLE_RATE, Samples, decode
from transcription.errors import InvalidAudio
from transcription.findings import Diarization, Language, Window
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.probe import probe
from transcription.timing import RoughWord, settle
from transcription.transcript import Segment, Transcript, Turn, Word
from transcription.wire import to_wire

# Whatever an aligner's alphabet may lack.
STRANGE = (
    "2026",
    "$4.50",
    "25%",
    "€1,000",
    "3rd",
    "№",
    "你好",
    "東京",
    "🎉",
    "👩‍👩‍👧",
    "—",
    "…",
    "ß",
    "٣",
)

times = st.none() | st.floats(-5, 200) | st.sampled_from([math.nan, math.inf, -math.inf])
rough_words = st.builds(
    RoughWord,
    st.sampled_from(STRANGE) | st.text(min_size=1, max_size=6).filter(str.strip),
    times,
    times,
    times,
)


@st.composite
def aligned(draw: st.DrawFn) -> tuple[list[Segment], float]:
    """Segments as the aligner leaves them, one after the other, and the recording's length."""
    edges = sorted(draw(st.lists(st.floats(0, 120), min_size=2, max_size=8)))
    segments = []
    for low, high in pairwise(edges):
        rough = draw(st.lists(rough_words, min_size=1, max_size=8))
        words = settle(rough, low, high)
        text = " ".join(word.text for word in words)
        segments.append(Segment(text, words[0].start, words[-1].end, words))
    return segments, edges[-1]


@st.composite
def floors(draw: st.DrawFn) -> list[Turn]:
    """At least one turn, anywhere: also before and after everything that was said."""
    edges = sorted(draw(st.sets(st.floats(0, 150), min_size=2, max_size=12)))
    names = st.sampled_from(["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"])
    return [Turn(draw(names), *pair) for pair in pairwise(edges)][:: draw(st.integers(1, 3))]


@given(aligned(), floors())
@settings(max_examples=60)
def test_every_word_has_times_in_its_segment_and_a_speaker(
    said: tuple[list[Segment], float], turns: list[Turn]
) -> None:
    segments, length = said
    transcript = Transcript(attribute(segments, turns), "en", length)
    wire = json.loads(json.dumps(to_wire(transcript), allow_nan=False))
    cursor = 0.0
    for segment in wire["segments"]:
        assert segment["speaker"]
        assert cursor <= segment["start"] <= segment["end"] <= wire["duration"]
        cursor = segment["start"]
        for word in segment["words"]:
            assert word["speaker"] == segment["speaker"]
            assert cursor <= word["start"] <= word["end"] <= segment["end"]
            cursor = word["end"]
    words = [word["word"] for segment in wire["segments"] for word in segment["words"]]
    assert words == [word.text for segment in segments for word in segment.words]


@pytest.mark.parametrize("text", STRANGE)
def test_what_no_alphabet_contains_is_timed_between_its_neighbours(text: str) -> None:
    words = settle([RoughWord("paid", 1, 2, 0.9), RoughWord(text), RoughWord("x", 3, 4)], 0, 5)
    assert words[1] == Word(text, 2, 3)


# Nothing to hear


class Strict(ScriptedEngine):
    """Fails when it is asked for what makes no sense without speech."""

    def recognize(self, *_arguments: object, **_options: object) -> Any:
        raise AssertionError("nothing to recognize")

    def align(self, *_arguments: object, **_options: object) -> Any:
        raise AssertionError("nothing to align")


@pytest.mark.parametrize(
    "options",
    [Options(), Options(language="en"), Options(align_output=False), Options(task="translate")],
)
def test_nothing_said_is_a_result(options: Options) -> None:
    transcript = Pipeline(Strict()).transcribe(recording(), options).transcript
    wire = json.loads(json.dumps(to_wire(transcript), allow_nan=False))
    assert wire["segments"] == []
    assert wire["detected_language"] == "en"
    assert wire["duration"] == pytest.approx(0.5)
    assert len(wire["warnings"]) == 1


# Languages


class Polyglot:
    """Hears a language per window, and remembers which windows it listened to."""

    def __init__(self, heard: Mapping[float, Language]) -> None:
        self._heard = heard
        self.listened: list[Window] = []

    def detect(self, _samples: Samples, window: Window) -> Language:
        self.listened.append(window)
        return self._heard[window.start]


HEARD = {0.0: Language("nn", 0.3), 40.0: Language("de", 0.6), 80.0: Language("fr", 0.9)}
WINDOWS = [Window(0.0, 3.0), Window(40.0, 65.0), Window(80.0, 90.0)]


def detect(polyglot: Polyglot, windows: Sequence[Window], **options: Any) -> Language:
    module = pytest.importorskip("transcription.engine.whisperx_engine")
    engine = object.__new__(module.WhisperxEngine)
    engine._recognizer = lambda _options: polyglot
    samples = np.zeros(SAMPLE_RATE * 90, dtype=np.float32)
    language: Language = engine.detect_language(samples, windows, Options(**options))
    return language


@pytest.mark.parametrize(
    ("options", "language", "listened"),
    [
        ({}, Language("de", 0.6), 1),  # the longest stretch of speech, not the beginning
        ({"language_detection_min_prob": 0.5}, Language("de", 0.6), 1),
        ({"language_detection_min_prob": 0.8}, Language("fr", 0.9), 2),
        ({"language_detection_min_prob": 1.0}, Language("fr", 0.9), 3),  # best of all
        (
            {"language_detection_min_prob": 1.0, "language_detection_max_tries": 1},
            Language("de", 0.6),
            1,
        ),
    ],
)
def test_the_language_is_the_most_probable_of_several_windows(
    options: dict[str, Any], language: Language, listened: int
) -> None:
    polyglot = Polyglot(HEARD)
    assert detect(polyglot, WINDOWS, **options) == language
    assert polyglot.listened == [WINDOWS[1], WINDOWS[2], WINDOWS[0]][:listened]


# Recordings


def wav_that_says(size: int) -> bytes:
    data = bytearray(tone_in("wav", "pcm_s16le", SAMPLE_RATE))
    chunk = data.index(b"data")
    data[chunk + 4 : chunk + 8] = struct.pack("<I", size)
    return bytes(data)


def matroska_that_says(duration: float) -> bytes:
    data = bytearray(tone_in("matroska", "libopus", 48_000))
    place = data.index(b"\x44\x89\x88") + 3  # the element Duration, eight bytes
    data[place : place + 8] = struct.pack(">d", duration)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        *map(wav_that_says, (0, 0x7FFFFFFF, 0xFFFFFFFF)),
        *map(matroska_that_says, (0.0, -5.0, 1e15, math.inf, math.nan)),
    ],
    ids=["wav 0", "wav 2 GB", "wav 4 GB", "0", "negative", "absurd", "infinite", "not a number"],
)
def test_what_a_container_says_of_its_length_is_not_believed(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(data)
    assert len(decode(file, max_seconds=10)) / SAMPLE_RATE == pytest.approx(1.5, abs=0.05)
    said = probe(file).duration
    assert said is None or math.isfinite(said)


@pytest.mark.parametrize("rate", [0, 4_000_000_000])
def test_impossible_sample_rates_are_refused(rate: int) -> None:
    data = bytearray(tone_in("wav", "pcm_s16le", SAMPLE_RATE))
    data[24:28] = struct.pack("<I", rate)
    with pytest.raises(InvalidAudio, match="is a damaged WAV file"):
        decode(bytes(data))


def test_one_sample_is_a_recording() -> None:
    data = tone_in("wav", "pcm_s16le", SAMPLE_RATE, length=1 / SAMPLE_RATE)
    transcript = Pipeline(Strict()).transcribe(data, Options()).transcript
    assert transcript.segments == ()


# One request and the next


class Echo(ScriptedEngine):
    """Says what it was asked, so that another request's option would be heard."""

    def say(self, window: Window, language: Language, options: Options) -> Sequence[Segment]:
        text = f"{language.code} {options.task} {options.hotwords}"
        return [Segment(text, window.start, window.end)]

    def diarize(self, *_arguments: object, **_options: object) -> Diarization:
        return Diarization((Turn("SPEAKER_00", 0.0, 9.0),))


def test_requests_at_once_keep_their_own_options() -> None:
    from concurrent.futures import ThreadPoolExecutor

    pipeline = Pipeline(Echo())
    tasks: list[tuple[str, Any]] = [
        ("de", "transcribe"),
        ("fr", "translate"),
        ("en", "transcribe"),
    ]
    asked = [
        Options(language=code, task=task, hotwords=f"word{number}", align_output=False)
        for number, (code, task) in enumerate(tasks * 8)
    ]
    sound = recording(1.0)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda options: pipeline.transcribe(sound, options), asked))
    for options, report in zip(asked, reports, strict=True):
        assert report.transcript.language == options.language
        assert report.transcript.text == f"{options.language} {options.task} {options.hotwords}"
