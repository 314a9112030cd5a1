"""What Whisper's decoder wrote, token by token, and how probable each was to it.

A token is some bytes of UTF-8, not always whole characters: vocabularies of GPT-2's kind write
every byte as a character of its own (Radford et al. 2019, 2.2).
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate, takewhile
from typing import Any

from transcription.transcript import Segment, Token, Word

_LEAST = 1e-10  # probability; JSON has no infinity


def tokens_of(
    vocabulary: Any, written: Sequence[int], probabilities: Sequence[float]
) -> tuple[Token, ...]:
    """The tokens ``written`` by their numbers, with their probabilities."""
    return tuple(
        Token(tuple(_bytes(vocabulary.id_to_token(number))), math.log(max(probability, _LEAST)))
        for number, probability in zip(written, probabilities, strict=True)
    )


def with_probabilities(found: Sequence[Segment], heard: Sequence[Segment]) -> list[Segment]:
    """Sentences ``found`` in the texts of ``heard``, each word as probable as its tokens.

    The mean, as openai/whisper has it. Words are those of all texts, in order.
    """
    probable = _Probabilities(heard)
    return [
        replace(segment, words=tuple(map(probable.of, segment.words))) if segment.words else segment
        for segment in found
    ]


class _Probabilities:
    """Finds words one after the other in the texts of segments with tokens."""

    def __init__(self, heard: Sequence[Segment]) -> None:
        self._text = "\n".join(segment.text for segment in heard)
        starts = accumulate((len(segment.text) + 1 for segment in heard), initial=0)
        self._spans = [
            (start + first, start + last, probability)
            for start, segment in zip(starts, heard, strict=False)
            for first, last, probability in _spans(segment)
        ]
        self._ends = [last for _, last, _ in self._spans]
        self._cursor = 0

    def of(self, word: Word) -> Word:
        """``word`` with its probability; as it is where its text has no tokens."""
        begin = self._text.find(word.text, self._cursor)
        if begin < 0:
            return word
        self._cursor = end = begin + len(word.text)
        later = range(bisect_right(self._ends, begin), len(self._spans))
        own = [self._spans[at][2] for at in takewhile(lambda at: self._spans[at][0] < end, later)]
        return replace(word, probability=sum(own) / len(own)) if own else word


def _spans(segment: Segment) -> Iterator[tuple[int, int, float]]:
    """Where each token stands in the segment's text, which is stripped, and its probability."""
    whole = bytes(byte for token in segment.tokens for byte in token.written)
    ends = [
        len(whole[:end].decode(errors="replace"))
        for end in accumulate(len(token.written) for token in segment.tokens)
    ]
    text = whole.decode(errors="replace")
    before = len(text) - len(text.lstrip())
    last = 0
    for token, end in zip(segment.tokens, ends, strict=True):
        first, last = last, max(end - before, 0)
        # A token within a character has its share of it.
        yield min(first, max(last - 1, 0)), min(last, len(segment.text)), math.exp(token.logprob)


def _bytes(text: str) -> bytes:
    known = _byte_of()
    if all(character in known for character in text):
        return bytes(known[character] for character in text)
    return text.encode()  # a vocabulary of another kind


@cache
def _byte_of() -> dict[str, int]:
    """Printable bytes stand for themselves, the others for what follows Latin-1, in order."""
    printable = {
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    }
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }
