"""Word times that hold together, whatever an aligner says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from transcription.language import WITHOUT_SPACES
from transcription.transcript import Word


@dataclass(frozen=True, slots=True)
class RoughWord:
    """A word as an aligner left it: seconds, or None where it found no time."""

    text: str
    start: float | None = None
    end: float | None = None
    score: float | None = None


def split_words(text: str, language: str) -> list[str]:
    """The words of ``text``; characters in languages written without spaces."""
    return list("".join(text.split())) if language in WITHOUT_SPACES else text.split()


def settle(words: Sequence[RoughWord], start: float, end: float) -> tuple[Word, ...]:
    """Words with finite times in [``start``, ``end``], in order, none overlapping the next.

    Words without usable times share the gap between their neighbours in proportion to their
    length in characters; their score is None.
    """
    timed = _usable(words, start, end)
    settled: list[Word] = []
    index = 0
    while index < len(words):
        known = timed[index]
        if known is not None:
            settled.append(known)
            index += 1
            continue
        stop = index
        while stop < len(words) and timed[stop] is None:
            stop += 1
        low = settled[-1].end if settled else start
        following = timed[stop] if stop < len(words) else None
        high = following.start if following is not None else end
        settled.extend(_spread([word.text for word in words[index:stop]], low, max(low, high)))
        index = stop
    return tuple(settled)


def _usable(words: Sequence[RoughWord], start: float, end: float) -> list[Word | None]:
    """The words whose times can be trusted, clipped and in order; None for the others."""
    usable: list[Word | None] = []
    cursor = start
    for word in words:
        if not _is_timed(word):
            usable.append(None)
            continue
        assert word.start is not None
        assert word.end is not None
        begin = min(max(word.start, cursor), end)
        cursor = min(max(word.end, begin), end)
        usable.append(Word(word.text, begin, cursor, _unit(word.score)))
    return usable


def _is_timed(word: RoughWord) -> bool:
    return (
        word.start is not None
        and word.end is not None
        and math.isfinite(word.start)
        and math.isfinite(word.end)
        and word.start <= word.end
    )


def _unit(score: float | None) -> float | None:
    """A confidence in [0, 1]; None for what is no number."""
    return None if score is None or not math.isfinite(score) else min(max(score, 0.0), 1.0)


def _spread(texts: Sequence[str], start: float, end: float) -> list[Word]:
    weights = [max(1, len(text)) for text in texts]
    total = sum(weights)
    edges = [start]
    spent = 0
    for weight in weights:
        spent += weight
        # min(): rounding must not carry the last edge past the neighbour's start.
        edges.append(min(end, start + (end - start) * spent / total))
    return [Word(text, *pair) for text, pair in zip(texts, pairwise(edges), strict=True)]
