"""Where a recording is silent: pauses begin and end words more exactly than any aligner knows.

Times of aligners err by tens of milliseconds; a pause's edges are seen to five. What an aligner
has to know is which words a pause lies between.
"""

from collections.abc import Container, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from transcription.audio import SAMPLE_RATE, Samples
from transcription.findings import Window
from transcription.timing import RoughWord

_BLOCK = 80  # samples, 5 ms
_SMOOTH = 5  # blocks, over which loudness is averaged: two periods of a low voice
_SILENT = 35.0  # dB below the loud places
_ABOVE_FLOOR = 6.0  # dB; where it is never quiet, no more than that is silent
_LEAST_RANGE = 15.0  # dB between loud and silent places, else there are no pauses
_CLICK = 0.03  # seconds; shorter sounds are none
_PAUSE = 0.1  # seconds; shorter silences lie within words, before a t or k
_REACH = 0.35  # seconds from a word's boundary to its pause
_LATE = 0.15  # seconds by which boundaries after a long last syllable come too early, at most
_EDGE = 1.0  # the same for the first word, before which everything is a pause


def sounds(samples: Samples, window: Window) -> list[Window]:
    """The stretches of ``window`` that are not silent; pauses lie between them."""
    begin = int(window.start * SAMPLE_RATE)
    piece = samples[begin : int(window.end * SAMPLE_RATE)]
    blocks = piece[: len(piece) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if len(blocks) < _SMOOTH:
        return []
    power = np.convolve(np.square(blocks).mean(axis=1), np.ones(_SMOOTH) / _SMOOTH, "same")
    edges = _runs(_loud(10 * np.log10(power + 1e-10)))
    step = _BLOCK / SAMPLE_RATE
    found: list[Window] = []
    for first, last in edges:
        start, end = window.start + first * step, window.start + last * step
        if end - start < _CLICK:
            continue
        if found and start - found[-1].end < _PAUSE:
            found[-1] = Window(found[-1].start, end)
        else:
            found.append(Window(start, end))
    return found


def _loud(decibels: NDArray[np.float64]) -> NDArray[np.bool_]:
    top, floor = np.percentile(decibels, [95, 5])
    limit = max(top - _SILENT, min(floor + _ABOVE_FLOOR, top - _LEAST_RANGE))
    loud: NDArray[np.bool_] = decibels > limit
    return loud


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open ranges in which ``flags`` holds."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def snapped(
    words: Sequence[RoughWord], heard: Sequence[Window], openers: Container[int] = ()
) -> list[RoughWord]:
    """``words``, all of them timed, that begin and end where the pauses between ``heard`` do.

    A word ends where the next one begins, or at the pause between them. ``openers`` are the numbers
    of words that begin a sentence.
    """
    if not (words and heard):
        return list(words)
    starts = [word.start or 0.0 for word in words]
    last = words[-1].end or starts[-1]
    # The text may end before the sounds do.
    ends = [*starts[1:], next((it.end for it in heard if it.end > last - _REACH), heard[-1].end)]
    if abs(starts[0] - heard[0].start) < _EDGE:
        starts[0] = heard[0].start
    first = 1
    for before, after in pairwise(heard):
        place = _boundary(starts, openers, first, Window(before.end, after.start))
        if place is not None:
            ends[place - 1], starts[place] = before.end, after.start
            first = place + 1
    return [
        RoughWord(word.text, start, max(start, end), word.score)
        for word, start, end in zip(words, starts, ends, strict=True)
    ]


def _boundary(
    starts: Sequence[float], openers: Container[int], first: int, pause: Window
) -> int | None:
    """The word from ``first`` on that begins after ``pause``; None where none begins near it.

    People pause between sentences: near the pause, one of the ``openers`` of sentences it is.
    """

    def near(at: int) -> bool:
        return max(pause.start - starts[at], starts[at] - pause.end) <= _REACH

    def late(at: int) -> float:
        return abs(starts[at] + _LATE - pause.end)

    places = range(first, len(starts))
    opening = [at for at in places if at in openers and near(at)]
    place = min(opening or places, key=late, default=None)
    return place if place is not None and near(place) else None
