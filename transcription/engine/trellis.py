"""Where in time each token of a known text lies, given a CTC network's frames.

The recurrence is whisperx 3.8.6's (after torchaudio's tutorial on forced alignment), so that both
find the same path: a token is entered in one frame by its own probability, and every frame until
the next token counts as blank. torchaudio's ``forced_align`` solves another one, in which a token
may also be repeated, and is absent from its builds for the CPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]  # (frames, symbols): natural logarithms of probabilities


@dataclass(frozen=True, slots=True)
class Spans:
    """Half-open frame ranges of the tokens and their mean probabilities, each (tokens,)."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    scores: NDArray[np.float64]


def with_wildcard(frames: Frames, blank: int) -> Frames:
    """``frames`` with one symbol more: as probable as the best one that is not blank.

    It stands for characters that the network has never heard of.
    """
    others = np.delete(frames, blank, axis=1).max(axis=1, keepdims=True)
    return np.concatenate([frames, others], axis=1)


def align_tokens(
    frames: Frames, tokens: Sequence[int] | NDArray[np.intp], blank: int
) -> Spans | None:
    """The most probable frames of ``tokens``, None where they do not fit in them.

    The time is O(frames · tokens) with the tokens vectorised, the memory one byte for each pair.
    """
    if not len(tokens) or len(tokens) > len(frames):
        return None
    own = frames[:, np.asarray(tokens)]
    silence = frames[:, blank]
    entered, end = _forward(own, silence)
    if end == 0:  # not a number among the frames
        return None
    starts = _entries(entered, end)
    ends = np.append(starts[1:], end)
    rows = np.arange(len(starts))
    quiet = np.concatenate([[0.0], np.cumsum(np.exp(silence), dtype=np.float64)])
    total = np.exp(own[starts, rows]) + quiet[ends] - quiet[starts + 1]
    return Spans(starts, ends, total / (ends - starts))


def _forward(own: Frames, silence: Frames) -> tuple[NDArray[np.bool_], int]:
    """For every frame and token, whether the best path enters it there; and where all paths end.

    ``own`` is (frames, tokens), ``silence`` (frames,).
    """
    count, tokens = own.shape
    entered = np.empty((count, tokens), dtype=np.bool_)
    # Before the first token: blanks. Summed in double precision and rounded, as torch does it.
    before = np.concatenate([[0.0], np.cumsum(silence, dtype=np.float64)]).astype(np.float32)
    scores = np.full(tokens + 1, -np.inf, dtype=np.float32)
    stay: NDArray[Any] = np.empty(tokens, dtype=np.float32)
    enter: NDArray[Any] = np.empty(tokens, dtype=np.float32)
    best, end = -np.inf, 0
    for frame in range(count):
        scores[0] = before[frame]
        np.add(scores[1:], silence[frame], out=stay)
        np.add(scores[:-1], own[frame], out=enter)
        np.greater(enter, stay, out=entered[frame])
        np.maximum(enter, stay, out=scores[1:])
        if scores[-1] > best:
            best, end = scores[-1], frame + 1
    return entered, end


def _entries(entered: NDArray[np.bool_], end: int) -> NDArray[np.intp]:
    """The frame in which each token is entered, followed back from the last token at ``end``."""
    token = entered.shape[1] - 1
    starts = np.empty(token + 1, dtype=np.intp)
    frame = end
    while token >= 0:
        frame -= 1
        if entered[frame, token]:
            starts[token] = frame
            token -= 1
    return starts
