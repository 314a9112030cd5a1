"""What a picture of a recording is drawn from: as many numbers as a screen can use."""

import numpy as np

from transcription.audio.peaks import MOST, peaks
from transcription.audio.samples import SAMPLE_RATE


def test_each_is_the_loudest_of_its_stretch() -> None:
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[100], samples[8100] = 0.25, -0.5
    found = peaks(samples)
    assert (found.per_second, len(found.levels)) == (20.0, 20)
    assert (found.levels[0], found.levels[10]) == (50, 100)
    assert sum(found.levels) == 150


def test_silence_is_flat_and_nothing_is_nothing() -> None:
    assert set(peaks(np.zeros(SAMPLE_RATE, np.float32)).levels) == {0}
    assert peaks(np.zeros(0, np.float32)).levels == ()


def test_hours_have_no_more_than_a_screen_can_show() -> None:
    seconds = 3 * 3600
    found = peaks(np.zeros(seconds * SAMPLE_RATE, np.float32))
    assert MOST / 2 < len(found.levels) <= MOST
    assert abs(len(found.levels) / found.per_second - seconds) < 1
