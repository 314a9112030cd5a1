"""The predictor's JSON: what Cog serves, the bridge stores and every route renders."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from transcription.options import Options
from transcription.subtitles import FORMATS
from transcription.transcript import Character, Segment, Token, Transcript, Word

_PLAIN = Options()


class WireWord(TypedDict):
    """A word; ``score`` is null where its times were interpolated."""

    word: str
    start: float
    end: float
    score: float | None
    probability: NotRequired[float]
    speaker: NotRequired[str]


class WireCharacter(TypedDict):
    """A character of a word, named as whisperx does; ``score`` is null as a word's may be."""

    char: str
    start: float
    end: float
    score: float | None


class WireToken(TypedDict):
    """A token, named as OpenAI does; ``bytes`` are those of its text in UTF-8."""

    token: str
    logprob: float
    bytes: list[int]


class WireSegment(TypedDict):
    """A segment; ``words`` and ``chars`` are left out when they were not asked for.

    ``chars`` are the characters of the words one after the other, without spaces.
    """

    start: float
    end: float
    text: str
    words: NotRequired[list[WireWord]]
    chars: NotRequired[list[WireCharacter]]
    speaker: NotRequired[str]
    avg_logprob: NotRequired[float]
    no_speech_prob: NotRequired[float]
    logprobs: NotRequired[list[WireToken]]
    language: NotRequired[str]
    channel: NotRequired[int]


class WireTranscript(TypedDict):
    """The whole result; ``formatted`` is it once more, as text, where a format was asked for.

    ``logprobs`` are there where they were asked for, in segments while a run goes on.
    """

    segments: list[WireSegment]
    detected_language: str
    language_probability: float | None
    duration: float
    speaker_embeddings: dict[str, list[float]] | None
    warnings: list[str]
    formatted: NotRequired[str]
    logprobs: NotRequired[list[WireToken]]


def to_wire(transcript: Transcript, options: Options = _PLAIN) -> WireTranscript:
    """The JSON object for ``transcript``. Times are rounded to milliseconds.

    One of `FORMATS` as ``output_format`` adds the transcript as text of that format.
    """
    embeddings = transcript.speaker_embeddings
    wire: WireTranscript = {
        "segments": [segment_to_wire(segment) for segment in transcript.segments],
        "detected_language": transcript.language,
        "language_probability": _rounded(transcript.language_probability, 4),
        "duration": round(transcript.duration, 3),
        "speaker_embeddings": None
        if embeddings is None
        else {speaker: [round(x, 6) for x in vector] for speaker, vector in embeddings.items()},
        "warnings": list(transcript.warnings),
    }
    if options.logprobs:
        wire["logprobs"] = tokens_to_wire(transcript.tokens)
    if options.output_format in FORMATS:
        wire["formatted"] = FORMATS[options.output_format](transcript, options.layout)
    return wire


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
        tokens=tuple(_tokens_from_wire(wire)),
    )


def segment_to_wire(segment: Segment, *, logprobs: bool = False) -> WireSegment:
    """The JSON object for ``segment``, with its tokens where ``logprobs`` are asked for."""
    wire = WireSegment(start=round(segment.start, 3), end=round(segment.end, 3), text=segment.text)
    if segment.words:
        wire["words"] = [_word_to_wire(word) for word in segment.words]
    characters = [one for word in segment.words for one in word.characters]
    if characters:
        wire["chars"] = [_character_to_wire(character) for character in characters]
    if segment.speaker is not None:
        wire["speaker"] = segment.speaker
    avg_logprob = _rounded(segment.avg_logprob, 4)
    if avg_logprob is not None:
        wire["avg_logprob"] = avg_logprob
    no_speech_prob = _rounded(segment.no_speech_prob, 4)
    if no_speech_prob is not None:
        wire["no_speech_prob"] = no_speech_prob
    if segment.language is not None:
        wire["language"] = segment.language
    if segment.channel is not None:
        wire["channel"] = segment.channel
    if logprobs:
        wire["logprobs"] = tokens_to_wire(segment.tokens)
    return wire


def own_of(segment: Segment) -> dict[str, str | int]:
    """The segment's language and channel where they are its own, as other routes tell them."""
    own = {"language": segment.language, "channel": segment.channel}
    return {name: value for name, value in own.items() if value is not None}


def tokens_to_wire(tokens: Iterable[Token]) -> list[WireToken]:
    """The JSON objects for ``tokens``."""
    return [
        WireToken(
            token=bytes(token.written).decode(errors="replace"),
            logprob=round(token.logprob, 6),
            bytes=list(token.written),
        )
        for token in tokens
    ]


def _tokens_from_wire(wire: Mapping[str, Any]) -> Iterator[Token]:
    for token in wire.get("logprobs", ()):
        yield Token(tuple(token["bytes"]), token["logprob"])


def _character_to_wire(character: Character) -> WireCharacter:
    return WireCharacter(
        char=character.text,
        start=round(character.start, 3),
        end=round(character.end, 3),
        score=_rounded(character.score, 3),
    )


def _word_to_wire(word: Word) -> WireWord:
    wire = WireWord(
        word=word.text,
        start=round(word.start, 3),
        end=round(word.end, 3),
        score=_rounded(word.score, 3),
    )
    probability = _rounded(word.probability, 3)
    if probability is not None:
        wire["probability"] = probability
    if word.speaker is not None:
        wire["speaker"] = word.speaker
    return wire


def _segment_from_wire(wire: Mapping[str, Any]) -> Segment:
    return Segment(
        text=wire["text"],
        start=wire["start"],
        end=wire["end"],
        words=tuple(_words_from_wire(wire)),
        speaker=wire.get("speaker"),
        avg_logprob=wire.get("avg_logprob"),
        no_speech_prob=wire.get("no_speech_prob"),
        language=wire.get("language"),
        channel=wire.get("channel"),
    )


def _words_from_wire(wire: Mapping[str, Any]) -> Iterator[Word]:
    """The words, each with as many of the segment's characters as it has letters."""
    characters = [
        Character(one["char"], one["start"], one["end"], one["score"])
        for one in wire.get("chars", ())
    ]
    position = 0
    for word in wire.get("words", ()):
        own = tuple(characters[position : position + len(word["word"])])
        position += len(own)
        yield Word(
            word["word"],
            word["start"],
            word["end"],
            word["score"],
            word.get("speaker"),
            own,
            word.get("probability"),
        )


def _rounded(value: float | None, digits: int) -> float | None:
    """Rounded; None for what JSON cannot say (NaN, infinity)."""
    return None if value is None or not math.isfinite(value) else round(value, digits)
