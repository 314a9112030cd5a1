"""Comparing what was heard with what was said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.demo import grammar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Heard:
    """A word with what is known of it; heard words may lack a time or a speaker."""

    text: str  # normalised
    start: float | None = None  # s
    speaker: str | None = None


@dataclass
class Tally:
    """Counts over any number of recordings."""

    words: int = 0
    errors: int = 0
    right_speaker: int = 0  # words that are right and given to the right speaker
    matched: int = 0  # words that are right

    def add(self, other: Tally) -> None:
        """Add the counts of another recording."""
        self.words += other.words
        self.errors += other.errors
        self.right_speaker += other.right_speaker
        self.matched += other.matched

    @property
    def error_rate(self) -> float:
        """Word error rate in percent."""
        return 100 * self.errors / max(1, self.words)

    @property
    def speaker_rate(self) -> float:
        """Words right with the right speaker, in percent of the words said."""
        return 100 * self.right_speaker / max(1, self.words)


def heard(text: str, start: float | None = None, speaker: str | None = None) -> list[Heard]:
    """Normalised words of ``text``."""
    return [Heard(word, start, speaker) for word in grammar.normalise(text).split()]


def matched(said: Sequence[Heard], got: Sequence[Heard]) -> tuple[int, list[tuple[int, int]]]:
    """Edit distance in words, and the index pairs of equal words in one best alignment."""
    rows = [list(range(len(got) + 1))]
    for i, word in enumerate(said, 1):
        row = [i]
        for j, other in enumerate(got, 1):
            diagonal = rows[-1][j - 1] + (word.text != other.text)
            row.append(min(diagonal, rows[-1][j] + 1, row[-1] + 1))
        rows.append(row)
    pairs: list[tuple[int, int]] = []
    i, j = len(said), len(got)
    while i and j:
        equal = said[i - 1].text == got[j - 1].text
        if rows[i][j] == rows[i - 1][j - 1] + (not equal):
            i, j = i - 1, j - 1
            if equal:
                pairs.append((i, j))
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return rows[-1][-1], pairs[::-1]


def score(said: Sequence[Heard], got: Sequence[Heard]) -> Tally:
    """Count errors; found speakers are named by the one they share most words with, one to one."""
    errors, pairs = matched(said, got)
    shared = Counter((got[j].speaker, said[i].speaker) for i, j in pairs)
    names: dict[str | None, str | None] = {}
    for (found, true), _ in shared.most_common():
        if found is not None and found not in names and true not in names.values():
            names[found] = true
    right = sum(n for (found, true), n in shared.items() if names.get(found, "") == true)
    return Tally(len(said), errors, right, len(pairs))
