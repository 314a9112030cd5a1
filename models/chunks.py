"""Overlapping chunks put together: by whole arrays what pyannote does frame by frame.

A diarizer's segmentation hears a recording in chunks that overlap, an hour in thousands of them.
pyannote 4 puts them together in loops of Python over chunks, frames and speakers. These functions
have the same results, to the last bit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.utils import signal
from pyannote.core import Annotation, Segment, SlidingWindow, SlidingWindowFeature
from pyannote.core.utils.generators import string_generator

from models.rebinding import rebind

_LEAST: Final = 1e-12  # instead of dividing by nothing
_TALKS: Final = 0.5  # between 0 and 1


def install(pipeline: Any) -> None:
    """Gives a pyannote pipeline these functions for those of its own that are pyannote's."""
    for own in (speaker_count, reconstruct, to_annotation):
        name = own.__name__
        if getattr(type(pipeline), name, None) is getattr(SpeakerDiarization, name):
            setattr(pipeline, name, own)
    if getattr(type(pipeline), "apply", None) is SpeakerDiarization.apply:
        rebind(pipeline, binarize=binarize)


def binarize(
    scores: SlidingWindowFeature,
    onset: float = 0.5,
    offset: float | None = None,
    initial_state: bool | None = None,  # noqa: FBT001 - pyannote's signature
) -> SlidingWindowFeature:
    """1 where scores are above ``onset``; see `pyannote.audio.utils.signal.binarize`."""
    if offset in {None, onset} and not (scores.data == onset).any():
        return SlidingWindowFeature(1.0 * (scores.data > onset), scores.sliding_window)
    return signal.binarize(scores, onset=onset, offset=offset, initial_state=initial_state)


def summed(scores: SlidingWindowFeature, frames: SlidingWindow) -> SlidingWindowFeature:
    """``Inference.aggregate`` without averaging, of numbers, where what is missing is 0."""
    window, (count, length, classes) = scores.sliding_window, scores.data.shape
    total = np.zeros((_length(window, frames, count), classes), dtype=np.float32)
    for start, own in zip(_starts(window, frames, count), scores.data, strict=True):
        total[start : start + length] += own
    return SlidingWindowFeature(total, _from_start(window, frames))


def activity(
    segmentations: SlidingWindowFeature,
    people: NDArray[np.integer[Any]],
    frames: SlidingWindow,
    number: int,
) -> SlidingWindowFeature:
    """How loud each of ``number`` people is, over all chunks: (frames, people).

    ``people`` holds whose each chunk's speakers are, less than 0 where nobody's. Of several
    speakers who are one person the loudest counts.
    """
    window, scores = segmentations.sliding_window, segmentations.data
    count, length, _ = scores.shape
    broken = not np.isfinite(scores).all()
    total = np.zeros((_length(window, frames, count), number), dtype=np.float32)
    for start, own, whose in zip(_starts(window, frames, count), scores, people, strict=True):
        for person in set(whose[whose >= 0].tolist()):
            loud = own[:, whose == person].max(axis=1)
            total[start : start + length, person] += np.nan_to_num(loud) if broken else loud
    return SlidingWindowFeature(total, _from_start(window, frames))


def speaker_count(
    binarized_segmentations: SlidingWindowFeature,
    frames: SlidingWindow,
    warm_up: tuple[float, float] = (0.1, 0.1),
) -> SlidingWindowFeature:
    """How many talk at once: (frames, 1)."""
    talking = binarized_segmentations.data.sum(axis=-1, keepdims=True)
    if any(warm_up) or not np.isfinite(talking).all():
        return SpeakerDiarization.speaker_count(binarized_segmentations, frames, warm_up)
    window = binarized_segmentations.sliding_window
    count = summed(SlidingWindowFeature(talking, window), frames)
    ones = np.broadcast_to(np.float32(1), talking.shape)
    chunks = summed(SlidingWindowFeature(ones, window), frames).data
    count.data = np.rint(count.data / np.maximum(chunks, _LEAST)).astype(np.uint8)
    return count


def reconstruct(
    segmentations: SlidingWindowFeature,
    hard_clusters: NDArray[np.integer[Any]],
    count: SlidingWindowFeature,
) -> SlidingWindowFeature:
    """1 for the loudest people of each frame, as many as ``count`` says: (frames, people)."""
    number = max(int(hard_clusters.max()) + 1, int(count.data.max()))
    loud = activity(segmentations, hard_clusters, count.sliding_window, number)
    extent = loud.extent & count.extent
    loud, count = (each.crop(extent, return_data=False) for each in (loud, count))
    length = min(len(loud), len(count))
    talks = np.zeros_like(loud.data)
    ranks = np.argsort(-loud.data, axis=-1)[:length]
    np.put_along_axis(talks[:length], ranks, np.arange(number) < count.data[:length], axis=-1)
    return SlidingWindowFeature(talks, loud.sliding_window)


def to_annotation(
    discrete_diarization: SlidingWindowFeature,
    min_duration_on: float = 0.0,
    min_duration_off: float = 0.0,
) -> Annotation:
    """Turns, of who talks in which frame: 0 or 1, (frames, people)."""
    if min_duration_on > 0 or discrete_diarization.labels is not None:
        return SpeakerDiarization.to_annotation(
            discrete_diarization, min_duration_on, min_duration_off
        )
    turns, tracks = Annotation(), string_generator()
    frames, last = discrete_diarization.sliding_window, len(discrete_diarization) - 1
    for person, talks in enumerate(discrete_diarization.data.T):
        track = next(tracks)
        for begin, end in runs(talks > _TALKS):
            turns[Segment(frames[begin].middle, frames[min(end, last)].middle), track] = person
    return turns.support(collar=min_duration_off) if min_duration_off > 0 else turns


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open ranges in which ``flags`` holds."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _starts(chunks: SlidingWindow, frames: SlidingWindow, count: int) -> list[int]:
    """The first frame of each chunk."""
    half = 0.5 * frames.duration
    middles = chunks.start + np.arange(count) * chunks.step + half
    starts: list[int] = np.rint((middles - chunks.start - half) / frames.step).astype(int).tolist()
    return starts


def _length(chunks: SlidingWindow, frames: SlidingWindow, count: int) -> int:
    """How many frames the chunks cover."""
    end = chunks.start + chunks.duration + (count - 1) * chunks.step + 0.5 * frames.duration
    length: int = _from_start(chunks, frames).closest_frame(end) + 1
    return length


def _from_start(chunks: SlidingWindow, frames: SlidingWindow) -> SlidingWindow:
    """Frames from where the first chunk begins."""
    return SlidingWindow(start=chunks.start, duration=frames.duration, step=frames.step)
