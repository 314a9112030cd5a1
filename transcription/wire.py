"""The predictor's JSON: what Cog serves, the bridge stores and every door renders."""

import math
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from transcription.transcript import Segment, Transcript, Word


class WireWord(TypedDict):
    """A word; ``score`` is null where its times were interpolated."""

    word: str
    start: float
    end: float
    score: float | None
    speaker: NotRequired[str]


class WireSegment(TypedDict):
    """A segment; ``words`` is left out when no word times were asked for."""

    start: float
    end: float
    text: str
    words: NotRequired[list[WireWord]]
    speaker: NotRequired[str]
    avg_logprob: NotRequired[float]


class WireTranscript(TypedDict):
    """The whole result."""

    segments: list[WireSegment]
    detected_language: str
    language_probability: float | None
    duration: float
    speaker_embeddings: dict[str, list[float]] | None
    warnings: list[str]


def to_wire(transcript: Transcript) -> WireTranscript:
    """The JSON object for ``transcript``. Times are rounded to milliseconds."""
    embeddings = transcript.speaker_embeddings
    return {
        "segments": [segment_to_wire(segment) for segment in transcript.segments],
        "detected_language": transcript.language,
        "language_probability": _rounded(transcript.language_probability, 4),
        "duration": round(transcript.duration, 3),
        "speaker_embeddings": None
        if embeddings is None
        else {speaker: [round(x, 6) for x in vector] for speaker, vector in embeddings.items()},
        "warnings": list(transcript.warnings),
    }


def from_wire(wire: Mapping[str, Any]) -> Transcript:
    """The transcript behind ``wire``; the inverse of `to_wire` up to its rounding."""
    embeddings = wire.get("speaker_embeddings")
    return Transcript(
        segments=tuple(_segment_from_wire(segment) for segment in wire["segments"]),
        language=wire["detected_language"],
        duration=wire["duration"],
        language_probability=wire.get("language_probability"),
        speaker_embeddings=None
        if embeddings is None
        else {speaker: tuple(vector) for speaker, vector in embeddings.items()},
        warnings=tuple(wire.get("warnings", ())),
    )


def segment_to_wire(segment: Segment) -> WireSegment:
    """The JSON object for ``segment``."""
    wire = WireSegment(start=round(segment.start, 3), end=round(segment.end, 3), text=segment.text)
    if segment.words:
        wire["words"] = [_word_to_wire(word) for word in segment.words]
    if segment.speaker is not None:
        wire["speaker"] = segment.speaker
    avg_logprob = _rounded(segment.avg_logprob, 4)
    if avg_logprob is not None:
        wire["avg_logprob"] = avg_logprob
    return wire


def _word_to_wire(word: Word) -> WireWord:
    wire = WireWord(
        word=word.text,
        start=round(word.start, 3),
        end=round(word.end, 3),
        score=_rounded(word.score, 3),
    )
    if word.speaker is not None:
        wire["speaker"] = word.speaker
    return wire


def _segment_from_wire(wire: Mapping[str, Any]) -> Segment:
    return Segment(
        text=wire["text"],
        start=wire["start"],
        end=wire["end"],
        words=tuple(
            Word(word["word"], word["start"], word["end"], word["score"], word.get("speaker"))
            for word in wire.get("words", ())
        ),
        speaker=wire.get("speaker"),
        avg_logprob=wire.get("avg_logprob"),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    """Rounded; None for what JSON cannot say (NaN, infinity)."""
    return None if value is None or not math.isfinite(value) else round(value, digits)
