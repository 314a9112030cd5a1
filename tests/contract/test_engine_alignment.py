"""When words begin and end, with every engine."""

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from models import registry
from tests.contract.helpers import EXAMPLES, misses, rising
from transcription.audio import SAMPLE_RATE, Samples, decode, seconds
from transcription.engine import Engine
from transcription.findings import Language, segments_of
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment


def test_aligned_words_lie_in_order_in_their_segments(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    shares: list[float] = []
    alignment = engine.align(samples, recognized, "en", shares.append)
    assert alignment.warnings == ()
    assert rising(shares)
    for segment in alignment.segments:
        assert segment.words
        assert 0 <= segment.start <= segment.end <= seconds(samples)
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(map(math.isfinite, times))
        assert (segment.start, segment.end) == (times[0], times[-1])
        assert all(word.score is None or 0 <= word.score <= 1 for word in segment.words)
    spoken = [word.text for segment in alignment.segments for word in segment.words]
    assert spoken == [word for segment in recognized for word in segment.text.split()]


def test_words_carry_their_characters_when_asked(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    unwatched = engine.align(samples, recognized, "en", lambda _share: None)
    asked = engine.align(samples, recognized, "en", lambda _share: None, characters=True)
    for plain, segment in zip(unwatched.segments, asked.segments, strict=True):
        for bare, word in zip(plain.words, segment.words, strict=True):
            assert bare.characters == ()
            assert replace(word, characters=()) == bare
            assert "".join(character.text for character in word.characters) == word.text
            times = [time for each in word.characters for time in (each.start, each.end)]
            assert [word.start, *times, word.end] == sorted([word.start, *times, word.end])


@pytest.mark.models
def test_alignment_is_whisperx_own(real_engine: Engine) -> None:
    """The same network, text and audio: the same sentences and words, each within a frame."""
    from whisperx.alignment import align, load_align_model

    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    examples = Path(__file__).parents[2] / "examples"
    samples = decode(examples / "conversation.wav")
    turns = json.loads((examples / "conversation.json").read_text())["turns"]
    strange = "It cost $5.20 in 1999. 你好!"
    segments = [
        # Whole milliseconds, as stock's recognition hands them on.
        Segment(
            f"{turn['text']} {strange}", round(turn["start"] - 0.1, 3), round(turn["end"] + 0.1, 3)
        )
        for turn in turns[1:9]
    ]
    found = real_engine.align(samples, segments, "en", lambda _share: None).segments
    model = registry.ALIGNERS[registry.Family.DEMO]["en"]
    network, metadata = load_align_model("en", "cpu", model_name=model.source)
    stock = [{"start": s.start, "end": s.end, "text": s.text} for s in segments]
    expected = align(stock, network, metadata, samples, "cpu")["segments"]
    assert [segment.text for segment in found] == [e["text"].strip() for e in expected]
    for segment, sentence in zip(found, expected, strict=True):
        assert [word.text for word in segment.words] == [word["word"] for word in sentence["words"]]
        for word, stock_word in zip(segment.words, sentence["words"], strict=True):
            assert word.start == pytest.approx(stock_word["start"], abs=0.02)
            assert word.end == pytest.approx(stock_word["end"], abs=0.02)
            assert word.score == pytest.approx(stock_word["score"], abs=0.002)


@pytest.mark.models
def test_symbols_and_strange_scripts_are_timed_too(real_engine: Engine, samples: Samples) -> None:
    """Of the real one alone: the scripted one says sentences of its own."""
    engine = real_engine
    segment = Segment("… 25 % 你好 fine —", 7.0, 9.0, avg_logprob=-1.0)
    (aligned,) = engine.align(samples, [segment], "en", lambda _share: None).segments
    assert [word.text for word in aligned.words] == segment.text.split()
    assert aligned.avg_logprob == -1.0


@pytest.mark.parametrize("language", ["haw", "ja", "th"])
def test_words_are_timed_in_languages_without_aligner(
    engine: Engine, samples: Samples, language: str
) -> None:
    options = Options(chunk_size=10)
    windows = engine.find_speech(samples, options)
    heard = list(
        segments_of(
            engine.recognize(samples, windows, Language(language), options, lambda _share: None)
        )
    )
    shares: list[float] = []
    alignment = engine.align(samples, heard, language, shares.append, characters=True)
    (warning,) = alignment.warnings
    assert language in warning
    words = [word for segment in alignment.segments for word in segment.words]
    assert all(segment.words for segment in alignment.segments)
    text = "".join("".join(segment.text for segment in heard).split())
    assert "".join(word.text for word in words) == text
    assert all("".join(c.text for c in word.characters) == word.text for word in words)
    edges = [time for word in words for time in (word.start, word.end)]
    assert edges == sorted(edges)
    for segment in alignment.segments:
        inside = (window.start <= segment.start <= segment.end <= window.end for window in windows)
        assert any(inside)
    assert shares
    assert rising(shares)


@pytest.mark.models
@pytest.mark.parametrize(
    "options",
    [Options(align_output=False), Options(task="translate")],
    ids=["unaligned", "translated"],
)
def test_words_are_not_timed_where_nobody_wants_them(
    real_engine: Engine, samples: Samples, options: Options
) -> None:
    windows = real_engine.find_speech(samples[: 12 * SAMPLE_RATE], options)
    for language in ("haw", "en"):
        heard = real_engine.recognize(
            samples, windows, Language(language), options, lambda _share: None
        )
        assert not any(segment.words for segment in segments_of(heard))


def test_segments_without_words_stay_in_a_language_without_aligner(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    alignment = engine.align(samples, recognized, "haw", lambda _share: None)
    assert list(alignment.segments) == recognized
    assert len(alignment.warnings) == 1
    assert "haw" in alignment.warnings[0]


@pytest.mark.models
@pytest.mark.parametrize("gain", [-25, 6])
@pytest.mark.parametrize("stem", ["conversation", "conversation-es"])
def test_each_language_is_timed_by_its_own_aligner(
    demo_pipeline: Pipeline, real_engine: Engine, stem: str, gain: int
) -> None:
    truth = json.loads((EXAMPLES / f"{stem}.json").read_text())
    loudness = np.float32(10 ** (gain / 20))
    louder = np.clip(decode(EXAMPLES / f"{stem}.wav") * loudness, -1, 1)
    said = [Segment(t["text"], t["start"] - 0.2, t["end"] + 0.2) for t in truth["turns"]]
    language = "es" if stem.endswith("-es") else "en"
    alignment = real_engine.align(louder, said, language, lambda _share: None)
    assert alignment.warnings == ()
    heard = [word for segment in alignment.segments for word in segment.words]
    assert " ".join(word.text for word in heard) == truth["text"]
    off = misses(truth, heard)
    assert len(off) == len(heard)
    assert median(off) <= 0.02
    assert sum(miss < 0.06 for miss in off) >= 0.95 * len(off)
