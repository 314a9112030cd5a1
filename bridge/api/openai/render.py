"""Transcripts as the objects that OpenAI's clients parse. What we do not know is left out."""

import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from transcription.language import LANGUAGES
from transcription.transcript import Segment, Transcript
from transcription.wire import own_of, tokens_to_wire

GRANULARITIES = ("segment", "word")
NOBODY = "unknown"  # who speaks where the diarizer heard nobody; the clients want a text
_UNNAMED = re.compile(r"SPEAKER_\d+")  # the diarizer's own labels
_FRAMES = 100  # Whisper counts its place in a recording in hundredths of a second


def plain(transcript: Transcript, *, logprobs: bool = False) -> dict[str, Any]:
    """``json``: the text, and how probable each of its tokens is where that is asked for."""
    extra = {"logprobs": tokens_to_wire(transcript.tokens)} if logprobs else {}
    return {
        "text": transcript.text,
        **extra,
        "languages": languages(transcript),
        "usage": _usage(transcript),
    }


def verbose(
    transcript: Transcript, task: str, temperature: float, granularities: Collection[str]
) -> dict[str, Any]:
    """``verbose_json``: with segments, and with words where they are asked for."""
    # A translation is English, whatever was spoken.
    language = "english" if task == "translate" else _language_name(transcript.language)
    body: dict[str, Any] = {
        "task": task,
        "language": language,
        "duration": transcript.duration,
        "text": transcript.text,
    }
    if "segment" in granularities:
        body["segments"] = [
            segment(number, one, temperature) for number, one in enumerate(transcript.segments)
        ]
    if "word" in granularities:
        body["words"] = [
            {"word": word.text, "start": word.start, "end": word.end}
            for segment in transcript.segments
            for word in segment.words
        ]
    return {**body, "usage": _usage(transcript), "warnings": list(transcript.warnings)}


def diarized(transcript: Transcript) -> dict[str, Any]:
    """``diarized_json``: who said what, when."""
    return {
        "task": "transcribe",
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": diarized_segments(transcript),
        "usage": _usage(transcript),
        "warnings": list(transcript.warnings),
    }


def diarized_segments(transcript: Transcript) -> list[dict[str, Any]]:
    """The segments with their speakers: known names as they are, others A, B … Z, AA …"""
    names = _names(transcript)
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03}",
            "start": segment.start,
            "end": segment.end,
            "text": segment.text.strip(),
            "speaker": names.get(segment.speaker or "", NOBODY),
            **own_of(segment),
        }
        for number, segment in enumerate(transcript.segments, start=1)
    ]


def _names(transcript: Transcript) -> Mapping[str, str]:
    """Label -> name, in the order in which the speakers are first heard."""
    labels = list(dict.fromkeys(s.speaker for s in transcript.segments if s.speaker))
    known = {label: label for label in labels if not _UNNAMED.fullmatch(label)}
    free = (letters for letters in _letters() if letters not in known)
    return known | {label: next(free) for label in labels if label not in known}


def _letters() -> Iterator[str]:
    """A … Z, AA, AB … without end."""
    yield from ascii_uppercase
    for first in _letters():
        for last in ascii_uppercase:
            yield first + last


def segment(number: int, found: Segment, temperature: float) -> dict[str, Any]:
    """One of ``verbose_json``, as Whisper itself has it."""
    text = found.text.encode()
    scores = {"avg_logprob": found.avg_logprob, "no_speech_prob": found.no_speech_prob}
    return {
        "id": number,
        "seek": round(_FRAMES * found.start),
        "start": found.start,
        "end": found.end,
        "text": found.text,
        "tokens": [],
        "temperature": temperature,
        # Whisper's own measure of repetition, of this segment's text.
        "compression_ratio": round(len(text) / len(zlib.compress(text)), 4),
        **{name: value for name, value in scores.items() if value is not None},
        **own_of(found),
    }


def languages(transcript: Transcript) -> list[dict[str, str]]:
    """What was spoken, in the order in which it was; nothing where nobody spoke."""
    spoken = (segment.language or transcript.language for segment in transcript.segments)
    return [{"code": code} for code in dict.fromkeys(spoken)]


def _language_name(code: str) -> str:
    return LANGUAGES.get(code, code).lower()


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": transcript.duration}
