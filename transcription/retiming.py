"""Words whose text was changed by hand: which of them stay, and when the new ones are spoken.

``bridge/api/page/static/revision.js`` does the same for the page.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from transcription.language import WITHOUT_SPACES
from transcription.transcript import Segment, Word

MAX_COMPARED: Final = 40_000  # pairs of words; 200 by 200 is twice the longest segment
# What separates words, the same in Python and in JavaScript, whose `\s` differ.
SPACES: Final = re.compile(
    "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]+"
)
# What no text holds: control characters, and halves of characters, which no encoding can write.
CONTROL: Final = re.compile("[\\x00-\\x1f\\x7f\\ud800-\\udfff]")


def tokens(text: str, language: str) -> list[str]:
    """The words of ``text``; every character where the language writes no spaces."""
    spaced = [piece for piece in SPACES.split(CONTROL.sub(" ", text)) if piece]
    return list("".join(spaced)) if language in WITHOUT_SPACES else spaced


def followed(segment: Segment, pieces: Sequence[str]) -> tuple[Word, ...]:
    """The segment's words after its text became ``pieces``.

    Words that stayed keep times and score. A word in the place of one other keeps its times. Else
    new words share the time of those they replace, or the gap that they stand in.
    """
    old = segment.words
    kept = [*_common([word.text for word in old], pieces), (len(old), len(pieces))]
    words: list[Word] = []
    i = j = 0
    for at, to in kept:
        replaced = old[i:at]
        begun = replaced[0].start if replaced else words[-1].end if words else segment.start
        ended = replaced[-1].end if replaced else old[at].start if at < len(old) else segment.end
        words += _placed(pieces[j:to], replaced, (begun, max(begun, ended)), segment.speaker)
        if at < len(old):
            words.append(replace(old[at], characters=()))
        i, j = at + 1, to + 1
    return tuple(words)


def _placed(
    pieces: Sequence[str], replaced: Sequence[Word], span: tuple[float, float], speaker: str | None
) -> list[Word]:
    if len(pieces) == len(replaced):
        pairs = zip(pieces, replaced, strict=True)
        return [Word(piece, word.start, word.end, None, speaker) for piece, word in pairs]
    total, passed, begun = sum(map(len, pieces)), 0, span[0]
    words = []
    for piece in pieces:
        passed += len(piece)
        until = span[0] + (span[1] - span[0]) * passed / total
        words.append(Word(piece, begun, until, None, speaker))
        begun = until
    return words


def _common(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places at which both hold the same word, in order and as many as possible."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    rows, columns = len(old) - head - tail, len(new) - head - tail
    middle: list[tuple[int, int]] = []
    if 0 < rows * columns <= MAX_COMPARED:
        middle = _longest(old[head : head + rows], new[head : head + columns])
    return [
        *((place, place) for place in range(head)),
        *((head + i, head + j) for i, j in middle),
        *((len(old) - back, len(new) - back) for back in range(tail, 0, -1)),
    ]


def _longest(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest common subsequence, by the table of its lengths."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            same = old[i] == new[j]
            table[i][j] = table[i + 1][j + 1] + 1 if same else max(table[i + 1][j], table[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
