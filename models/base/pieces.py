"""Where one person talks alone: the pieces of a recording that a voice can be known by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyannote.core import SlidingWindowFeature

from models.chunks import runs, summed

_APART: Final = 10  # frames of 17 ms before and after a place at which the speaker may change
_CHANGED: Final = 0.3  # share of the chunks that hear another one after it
_SHORTEST: Final = 0.3  # seconds
_LONGEST: Final = 3.0  # seconds: a change that nobody noticed spoils no more than that


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames ``first`` to before ``last``, seconds ``start`` to ``end``."""

    first: int
    last: int
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


def pieces_of(speakers: SlidingWindowFeature, count: SlidingWindowFeature) -> list[Piece]:
    """Pieces in which one person talks, as far as can be heard without knowing who.

    ``speakers`` is 1 where a chunk hears one of its own speakers: (chunks, frames, speakers).
    ``count`` is the number of people who talk at once: (frames, 1).
    """
    frames = count.sliding_window
    first = frames.start + frames.duration / 2 - frames.step / 2
    alone = count.data[:, 0] == 1
    cuts = _changes(speakers, count)
    return [
        Piece(begin, end, first + begin * frames.step, first + end * frames.step)
        for stretch in _stretches(alone, cuts)
        for begin, end in _divided(*stretch, longest=_LONGEST / frames.step)
        if (end - begin) * frames.step >= _SHORTEST
    ]


def _changes(speakers: SlidingWindowFeature, count: SlidingWindowFeature) -> set[int]:
    """Frames at which another person takes over without a pause.

    Chunks know their speakers by different numbers, but each tells its own apart.
    """
    heard = speakers.data
    who = np.where(heard.sum(axis=2) == 1, heard.argmax(axis=2), -1)
    before, after = who[:, : -2 * _APART], who[:, 2 * _APART :]
    votes = np.zeros((*who.shape, 2))
    votes[:, _APART:-_APART, 1] = both = (before >= 0) & (after >= 0)
    votes[:, _APART:-_APART, 0] = both & (before != after)
    heard_by = SlidingWindowFeature(votes, speakers.sliding_window)
    total = summed(heard_by, count.sliding_window).data
    changed = total[:, 0] >= _CHANGED * np.maximum(total[:, 1], 1)
    return {(begin + end) // 2 for begin, end in runs(changed)}


def _stretches(alone: NDArray[np.bool_], cuts: set[int]) -> Iterator[tuple[int, int]]:
    for begin, end in runs(alone):
        edges = [begin, *sorted(cut for cut in cuts if begin < cut < end), end]
        yield from pairwise(edges)


def _divided(begin: int, end: int, longest: float) -> Iterator[tuple[int, int]]:
    """[begin, end) in equal parts of about ``longest`` frames."""
    count = max(1, round((end - begin) / longest))
    edges = [begin + (end - begin) * part // count for part in range(count + 1)]
    yield from pairwise(edges)
