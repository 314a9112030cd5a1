"""Pieces in which one person talks, from what overlapping chunks hear."""

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
from pyannote.audio import Inference
from pyannote.core import SlidingWindow, SlidingWindowFeature

from models.base.pieces import Piece, pieces_of

STEP = 0.016875
FRAMES = SlidingWindow(start=0.0, step=STEP, duration=0.0619375)
CHUNK, HOP = 5.0, 0.5
LENGTH = 293  # frames of a chunk


def heard(turns: list[tuple[str, float, float]], end: float) -> list[Piece]:
    """Pieces of a recording in which chunks hear ``turns``; each numbers its speakers anew."""
    starts = np.arange(0, end - CHUNK + HOP, HOP)
    data = np.zeros((len(starts), LENGTH, 3))
    for chunk, start in enumerate(starts):
        times = start + STEP * np.arange(LENGTH) + FRAMES.duration / 2
        inside = [turn for turn in turns if turn[1] < times[-1] and turn[2] > times[0]]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(t[0] for t in inside))}
        for name, begin, stop in inside:
            number = (numbers[name] + chunk) % 3
            data[chunk, (times >= begin) & (times < stop), number] = 1
    speakers = SlidingWindowFeature(data, SlidingWindow(duration=CHUNK, step=HOP, start=0.0))
    count = Inference.aggregate(
        SlidingWindowFeature(data.sum(axis=2, keepdims=True), speakers.sliding_window),
        FRAMES,
        missing=0.0,
    )
    count.data = np.rint(count.data).astype(np.uint8)
    return pieces_of(speakers, count)


def spans(pieces: list[Piece]) -> list[tuple[float, float]]:
    return [(round(piece.start, 1), round(piece.end, 1)) for piece in pieces]


def test_silence_has_no_pieces() -> None:
    assert heard([], 10) == []


def test_a_pause_ends_a_piece() -> None:
    assert spans(heard([("a", 1, 3), ("a", 3.5, 5.5)], 10)) == [(1, 3), (3.5, 5.5)]


def test_another_person_begins_a_piece_without_a_pause() -> None:
    assert spans(heard([("a", 1, 3), ("b", 3, 5)], 10)) == [(1, 3), (3, 5)]


def test_two_at_once_are_in_no_piece() -> None:
    assert spans(heard([("a", 1, 4), ("b", 3, 6)], 10)) == [(1, 3), (4, 6)]


def test_long_speech_is_divided_and_short_sounds_are_left_out() -> None:
    pieces = heard([("a", 1, 9), ("b", 9.5, 9.7)], 12)
    assert [round(piece.duration, 1) for piece in pieces] == [2.7, 2.7, 2.7]


def test_frames_are_where_the_seconds_are() -> None:
    (piece,) = heard([("a", 2, 4)], 10)
    assert abs(piece.first * STEP + FRAMES.duration / 2 - 2) < 2 * STEP
    assert abs((piece.last - piece.first) * STEP - piece.duration) < 1e-9
