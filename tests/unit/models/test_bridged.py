"""Short pauses belong to the turn of who makes them, unless somebody else speaks in them."""

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
from pyannote.core import SlidingWindow, SlidingWindowFeature

from models.base.speakers import bridged

PAUSE = 0.4  # s: four frames are not shorter
FRAMES = SlidingWindow(start=0.0, step=0.1, duration=0.1)


def over(*people: str) -> list[str]:
    """Who talks after bridging, a character a frame."""
    data = np.array([[frame != "." for frame in person] for person in people], dtype=float).T
    found = bridged(SlidingWindowFeature(data, FRAMES), PAUSE).data
    return ["".join("#" if frame else "." for frame in person) for person in found.T]


def test_a_short_pause_is_bridged_and_a_long_one_is_not() -> None:
    assert over("##...##....##") == ["#######....##"]


def test_the_silence_around_is_no_pause() -> None:
    assert over("..##..") == ["..##.."]


def test_an_answer_in_a_pause_stays_alone() -> None:
    assert over("##...##", "...#...") == ["##...##", "...#..."]


def test_between_two_people_nobody_talks() -> None:
    assert over("##.....", ".....##") == ["##.....", ".....##"]


def test_who_talks_on_both_sides_of_a_pause_talks_in_it() -> None:
    assert over("###..##", "###....") == ["#######", "###...."]


def test_nobody_talks_in_silence() -> None:
    assert over("....") == ["...."]
