"""A predictor that hears whatever ``initial_prompt`` asks for, for transcripts no model would make.

``words=30000`` is as many words, six segments a minute, by two speakers. Anything else is heard as
it stands, a segment per line.
"""

import inspect
from typing import Any

from cog import BaseRunner

from predict import Predictor as RealPredictor

SECONDS = 0.36  # of a word: 30,000 of them take three hours
PER_SEGMENT = 12
VOCABULARY = ("the", "train", "to", "Berlin", "leaves", "if", "nobody", "minds", "it")


def parse(prompt: str) -> list[dict[str, Any]]:
    """The segments."""
    if not prompt.startswith("words="):
        return [
            segment(line.split(" "), 3.0 * at, at) for at, line in enumerate(prompt.split("\n"))
        ]
    count = int(prompt.removeprefix("words="))
    return [
        segment(
            [f"{VOCABULARY[n % 9]}" for n in range(first, min(first + PER_SEGMENT, count))],
            first * SECONDS,
            first // PER_SEGMENT,
        )
        for first in range(0, count, PER_SEGMENT)
    ]


def segment(words: list[str], start: float, number: int) -> dict[str, Any]:
    """Words one after the other, by one of two speakers; every seventh is doubtful."""
    speaker = f"SPEAKER_{number // 3 % 2:02}"
    timed = [
        {
            "word": word,
            "start": round(start + at * SECONDS, 3),
            "end": round(start + (at + 0.9) * SECONDS, 3),
            "score": 0.9,
            "probability": 0.2 if at % 7 == 6 else 0.9,
            "speaker": speaker,
        }
        for at, word in enumerate(words)
        if word
    ]
    end = timed[-1]["end"] if timed else start
    return {
        "start": start,
        "end": end,
        "text": " ".join(words),
        "words": timed,
        "speaker": speaker,
    }


def _run(self: Any, **inputs: Any) -> dict[str, Any]:
    segments = parse(inputs["initial_prompt"] or "")
    return {
        "segments": segments,
        "detected_language": "en",
        "language_probability": None,
        "duration": segments[-1]["end"] + 1.0,
        "speaker_embeddings": None,
        "warnings": [],
    }


# Cog injects every input of the schema, and makes files of those annotated as Path.
_run.__signature__ = inspect.signature(RealPredictor.run)  # type: ignore[attr-defined]
_run.__annotations__ = RealPredictor.run.__annotations__


class Predictor(BaseRunner):  # type: ignore[misc] # cog ships no types
    """Hears what it is asked to."""

    run = _run
