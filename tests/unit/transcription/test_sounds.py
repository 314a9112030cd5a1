"""Words that begin and end where pauses do."""

from collections.abc import Container

import numpy as np
import pytest

from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine.sounds import snapped, sounds
from transcription.findings import Window
from transcription.timing import RoughWord


def recording(*spans: tuple[float, float], end: float = 6.0, noise: float = 0.0) -> Samples:
    """A hum in ``spans``, on ``noise``."""
    random = np.random.default_rng(0)
    times = np.arange(int(end * SAMPLE_RATE)) / SAMPLE_RATE
    samples = noise * random.normal(size=len(times))
    for start, stop in spans:
        inside = (times >= start) & (times < stop)
        samples[inside] += 0.3 * np.sin(2 * np.pi * 150 * times[inside])
    return samples.astype(np.float32)


def heard(samples: Samples, start: float = 0.0, end: float = 6.0) -> list[tuple[float, float]]:
    return [
        (round(sound.start, 2), round(sound.end, 2))
        for sound in sounds(samples, Window(start, end))
    ]


@pytest.mark.parametrize("decibel", [-60, -20, 0])
def test_pauses_are_found_however_loud_it_is(decibel: float) -> None:
    samples = recording((0.5, 1.5), (2.0, 3.0)) * np.float32(10 ** (decibel / 20))
    found = heard(samples)
    assert np.allclose(found, [(0.5, 1.5), (2.0, 3.0)], atol=0.02)


def test_pauses_are_found_in_noise() -> None:
    found = heard(recording((0.5, 1.5), (2.0, 3.0), noise=0.02))
    assert np.allclose(found, [(0.5, 1.5), (2.0, 3.0)], atol=0.03)


def test_short_silences_and_clicks_are_no_pauses_and_sounds() -> None:
    found = heard(recording((0.5, 1.5), (1.56, 2.5), (4.0, 4.005)))
    assert np.allclose(found, [(0.5, 2.5)], atol=0.02)


def test_sounds_lie_within_the_window() -> None:
    found = heard(recording((0.5, 5.5)), 1.0, 3.0)
    assert np.allclose(found, [(1.0, 3.0)], atol=0.02)
    assert sounds(recording((0.5, 5.5)), Window(5.999, 6.0)) == []


def times(words: list[RoughWord]) -> list[tuple[float | None, float | None]]:
    return [(word.start, word.end) for word in words]


def test_words_keep_to_the_pauses_they_are_next_to() -> None:
    rough = [RoughWord("a", 0.3, 1.4), RoughWord("b", 1.4, 1.8), RoughWord("c", 1.8, 4.0)]
    pauses = [Window(0.5, 1.5), Window(2.0, 3.0)]
    assert times(snapped(rough, pauses)) == [(0.5, 1.4), (1.4, 1.5), (2.0, 3.0)]


@pytest.mark.parametrize(("openers", "starts"), [((), (0.9, 1.7)), ({1}, (1.7, 2.0))])
def test_a_pause_lies_between_sentences_rather_than_in_one(
    openers: Container[int], starts: tuple[float, float]
) -> None:
    """The second word is heard from before the pause until behind it."""
    rough = [RoughWord("country.", 0.1, 0.9), RoughWord("I'm", 0.9, 2.0), RoughWord("sorry", 2, 3)]
    found = snapped(rough, [Window(0.1, 1.0), Window(1.7, 3.0)], openers)
    assert tuple(word.start for word in found[1:]) == starts


def test_the_last_word_ends_with_its_own_sound() -> None:
    rough = [RoughWord("a", 0.5, 0.8), RoughWord("b", 0.8, 1.3)]
    found = snapped(rough, [Window(0.4, 1.5), Window(2.0, 9.0)])
    assert times(found) == [(0.4, 0.8), (0.8, 1.5)]


def test_a_boundary_far_from_every_pause_stays() -> None:
    rough = [RoughWord("a", 0.0, 1.0), RoughWord("b", 1.0, 4.0)]
    assert times(snapped(rough, [Window(0.0, 2.0), Window(2.5, 4.0)])) == [(0.0, 1.0), (1.0, 4.0)]


def test_no_two_pauses_lie_before_one_word() -> None:
    rough = [RoughWord("a", 0.0, 1.0), RoughWord("b", 1.0, 2.0)]
    found = snapped(rough, [Window(0.0, 0.8), Window(1.0, 1.1), Window(1.3, 2.0)])
    assert times(found) == [(0.0, 0.8), (1.0, 2.0)]


def test_nothing_to_hear_or_to_say_changes_nothing() -> None:
    rough = [RoughWord("a", 0.0, 1.0)]
    assert snapped(rough, []) == rough
    assert snapped([], [Window(0.0, 1.0)]) == []
