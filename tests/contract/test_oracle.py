"""Stock whisperx with the same models as the oracle, and where we differ from it on purpose.

docs/differences-from-whisperx.md lists the differences with their reasons and these tests.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import pandas as pd
from whisperx.diarize import assign_word_speakers

from benchmarks.stock import Request, Sources, Stock, StockResult, sources
from evaluation.account import of_output
from evaluation.measures import score, speaker_word_errors
from evaluation.truth import truth_of
from transcription.attribution import attribute
from transcription.audio import Samples, decode, seconds
from transcription.engine import Engine, diarization, speech
from transcription.engine.bfloat16 import has_units
from transcription.engine.device import choose
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.findings import Language, segments_of
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.subtitles import FORMATS
from transcription.transcript import Segment, Turn, Word
from transcription.wire import WireTranscript, to_wire

RECORDING = Path(__file__).parents[2] / "examples" / "conversation.wav"
FRAME = 0.02  # s, wav2vec2's step
# As stock whisperx computes on every processor: a toy's text hangs on rounding.
SETTINGS = Settings(models=("demo",), device="cpu", compute_type="int8")


@pytest.fixture(scope="session")
def oracle_sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return sources(SETTINGS, tmp_path_factory.mktemp("oracle"))


@pytest.fixture(scope="session")
def oracle(demo_engine: Engine, oracle_sources: Sources) -> Stock:
    return Stock(oracle_sources, choose(SETTINGS))


@pytest.fixture(scope="session")
def conversation() -> Samples:
    return decode(RECORDING)


@pytest.fixture(scope="session")
def theirs(oracle: Stock, conversation: Samples) -> StockResult:
    return oracle.transcribe(conversation, Request(batch_size=8))


@pytest.fixture(scope="session")
def ours(demo_engine: Engine) -> WireTranscript:
    with pytest.MonkeyPatch.context() as patched:
        for module in (speech, diarization):
            patched.setattr(module, "has_units", lambda: False)
        engine = WhisperxEngine(SETTINGS) if has_units() else demo_engine
        return to_wire(Pipeline(engine).transcribe(RECORDING, Options()).transcript)


def words_of(segments: Any) -> list[Any]:
    return [word for segment in segments for word in segment["words"]]


@pytest.mark.models
@pytest.mark.slow
def test_the_text_is_the_oracles(ours: WireTranscript, theirs: StockResult) -> None:
    assert ours["detected_language"] == theirs.language
    assert [w["word"] for w in words_of(ours["segments"])] == [
        w["word"] for w in words_of(theirs.segments)
    ]


@pytest.mark.models
@pytest.mark.slow
def test_times_are_the_oracles_within_a_frame(ours: WireTranscript, theirs: StockResult) -> None:
    for mine, stock in zip(words_of(ours["segments"]), words_of(theirs.segments), strict=True):
        assert mine["start"] == pytest.approx(stock["start"], abs=FRAME + 1e-3), mine
        assert mine["end"] == pytest.approx(stock["end"], abs=FRAME + 1e-3), mine


@pytest.mark.models
@pytest.mark.slow
def test_speakers_are_the_oracles_where_it_is_right(
    ours: WireTranscript, theirs: StockResult, conversation: Samples
) -> None:
    truth = truth_of(RECORDING)
    length = seconds(conversation)
    mine = of_output(ours["segments"], length)
    stock = of_output(theirs.segments, length)
    assert speaker_word_errors(truth.words, mine.words) <= speaker_word_errors(
        truth.words, stock.words
    )
    result = score(truth, mine, length)
    assert (result.timed_share, result.attributed_share) == (1, 1)


# Differences


def assigned(segments: list[dict[str, Any]], turns: list[Turn]) -> list[dict[str, Any]]:
    frame = pd.DataFrame([(t.start, t.end, t.speaker) for t in turns])
    frame.columns = pd.Index(["start", "end", "speaker"])
    found: list[dict[str, Any]] = assign_word_speakers(frame, {"segments": segments})["segments"]
    return found


def as_stock(segment: Segment) -> dict[str, Any]:
    words = [{"word": word.text, "start": word.start, "end": word.end} for word in segment.words]
    return {"text": segment.text, "start": segment.start, "end": segment.end, "words": words}


DIALOGUE = Segment(
    "Ready? Yes. So go.",
    0.0,
    4.0,
    (Word("Ready?", 0, 1), Word("Yes.", 1.0, 1.6), Word("So", 2.0, 2.4), Word("go.", 2.5, 4.0)),
)
CHANGING = [Turn("A", 0.0, 1.0), Turn("B", 1.0, 1.6), Turn("A", 2.4, 4.0)]


def test_a_word_outside_every_turn_has_a_speaker() -> None:
    (stock,) = assigned([as_stock(DIALOGUE)], CHANGING)
    assert "speaker" not in stock["words"][2], "stock leaves it out"
    words = [word for piece in attribute([DIALOGUE], CHANGING) for word in piece.words]
    assert [word.speaker for word in words] == ["A", "B", "A", "A"]


def test_an_answer_within_a_segment_has_its_own_speaker() -> None:
    (stock,) = assigned([as_stock(DIALOGUE)], CHANGING)
    assert stock["speaker"] == "A", "stock gives the whole segment to one"
    pieces = attribute([DIALOGUE], CHANGING)
    assert [(piece.text, piece.speaker) for piece in pieces] == [
        ("Ready?", "A"),
        ("Yes.", "B"),
        ("So go.", "A"),
    ]


def test_a_segment_outside_every_turn_has_a_speaker() -> None:
    late = Segment("Bye.", 9.0, 9.5, (Word("Bye.", 9.0, 9.5),))
    (stock,) = assigned([as_stock(late)], CHANGING)
    assert "speaker" not in stock, "stock leaves it out"
    (piece,) = attribute([late], CHANGING)
    assert (piece.speaker, piece.words[0].speaker) == ("A", "A")


@pytest.mark.models
def test_more_text_than_fits_is_timed_all_the_same(
    demo_engine: Engine, oracle: Stock, conversation: Samples
) -> None:
    """A recognizer that repeats itself writes more than anybody can say in that time."""
    text = "nine " * 60 + "nine"
    stock = StockResult([{"text": text, "start": 1.0, "end": 1.5}], "en")
    oracle._align(stock, conversation)
    assert words_of(stock.segments) == [], "stock gives no words at all"
    found = demo_engine.align(conversation, [Segment(text, 1.0, 1.5)], "en", lambda _share: None)
    words = [word for segment in found.segments for word in segment.words]
    assert len(words) == 61
    edges = [1.0, *(time for word in words for time in (word.start, word.end)), 1.5]
    assert edges == sorted(edges)


@pytest.mark.models
@pytest.mark.parametrize(
    "text",
    ["2026", "$4.50 or €1,000", "你好 東京", "🎉 👩‍👩‍👧", "— … №", "It is 25% now 🎉.", "٣ ß"],
)
@pytest.mark.parametrize("span", [(1.0, 3.0), (2.0, 2.01), (2.0, 2.0), (44.0, 99.0)])
def test_every_word_of_any_script_is_timed(
    demo_engine: Engine, conversation: Samples, text: str, span: tuple[float, float]
) -> None:
    length = seconds(conversation)
    found = demo_engine.align(conversation, [Segment(text, *span)], "en", lambda _share: None)
    words = [word for segment in found.segments for word in segment.words]
    assert [word.text for word in words] == text.split()
    low, high = min(span[0], length), min(span[1], length)
    edges = [low, *(time for word in words for time in (word.start, word.end)), high]
    assert all(map(math.isfinite, edges))
    assert edges == sorted(edges)


@pytest.mark.models
def test_a_language_without_aligner_is_no_failure(
    demo_engine: Engine, oracle_sources: Sources, conversation: Samples
) -> None:
    from dataclasses import replace

    stock = Stock(replace(oracle_sources, align=None), choose(SETTINGS), "reload")
    with pytest.raises(ValueError, match="haw"):
        stock._align(StockResult([{"text": "Aloha", "start": 1, "end": 2}], "haw"), conversation)
    segment = Segment("Aloha", 1.0, 2.0)
    found = demo_engine.align(conversation, [segment], "haw", lambda _share: None)
    assert found.segments == (segment,)
    assert len(found.warnings) == 1


@pytest.mark.models
@pytest.mark.slow
def test_temperature_has_its_effect(
    demo_engine: Engine, oracle: Stock, conversation: Samples
) -> None:
    """Stock stores it and never hands it to the decoder."""
    from dataclasses import replace

    # Backwards: nobody can be sure of what is said, so that a draw is rarely the likeliest text.
    beginning = conversation[: 16_000 * 12][::-1].copy()
    whisper = oracle._kept["whisper"]
    before = whisper.options
    usual = whisper.transcribe(beginning, batch_size=8)
    try:
        whisper.options = replace(before, temperatures=[1.0])
        assert whisper.transcribe(beginning, batch_size=8) == usual, "no effect on stock"
    finally:
        whisper.options = before

    windows = demo_engine.find_speech(beginning, Options())

    def heard(temperature: float) -> tuple[str, ...]:
        segments = demo_engine.recognize(
            beginning,
            windows,
            Language("en"),
            Options(temperature=temperature),
            lambda _share: None,
        )
        return tuple(segment.text for segment in segments_of(segments))

    cold = heard(0.0)
    assert any(cold)
    assert heard(0.0) == cold
    assert any(heard(1.0) != cold for _ in range(10))


def sounds() -> Iterator[tuple[str, np.ndarray]]:
    length = 5 * 16_000
    times = np.arange(length) / 16_000
    yield "silence", np.zeros(length)
    yield "one sample", np.zeros(1)
    yield "white noise", np.random.default_rng(0).normal(0, 0.05, length)
    yield "hum", 0.3 * np.sin(2 * np.pi * 50 * times)
    chord = sum(np.sin(2 * np.pi * tone * times) for tone in (262, 330, 392))
    yield "music", 0.1 * chord * np.exp(-4 * (times % 0.5))


@pytest.mark.models
@pytest.mark.parametrize("sound", [pytest.param(s, id=name) for name, s in sounds()])
def test_where_nobody_speaks_nothing_is_heard(
    demo_engine: Engine, sound: np.ndarray, tmp_path: Path
) -> None:
    import wave

    file = tmp_path / "sound.wav"
    with wave.open(str(file), "wb") as output:
        output.setparams((1, 2, 16_000, 0, "NONE", ""))
        output.writeframes((sound * 32767).astype("<i2").tobytes())
    transcript = Pipeline(demo_engine).transcribe(file, Options()).transcript
    wire = json.loads(json.dumps(to_wire(transcript), allow_nan=False))
    assert wire["segments"] == []
    assert wire["warnings"] != []
    assert wire["detected_language"]
    name: Any
    for name in FORMATS:
        formatted = to_wire(transcript, Options(output_format=name)).get("formatted", "")
        assert "-->" not in formatted
        assert formatted.startswith("WEBVTT") is (name == "vtt")
