"""Stamps as they come, one by one: what is believed, and what is taken back."""

import itertools

import pytest

from transcription.audio.clock import Clock, Step

FRAME = 0.02  # seconds


def places(stamps: list[float], zero: float = 0.0, limit: float = 100.0) -> list[float]:
    """Where each frame ends up in the end, in seconds."""
    clock, at, gap = Clock(zero, limit), 0.0, 0.0
    found: list[float] = []
    for stamp in stamps:
        step = clock.step(stamp, at)
        if step.undone:
            found = [here - step.undone if here >= gap else here for here in found]
            at -= step.undone
        if step.silence:
            at += step.silence
            gap = at
        found.append(at)
        at += FRAME - min(step.overlap, FRAME)
    return [round(here, 3) for here in found]


def running(start: float, count: int) -> list[float]:
    return [start + number * FRAME for number in range(count)]


def test_sound_stands_where_its_stamp_says() -> None:
    assert places([3.0, 3.02, 5.0], zero=0.0) == [3.0, 3.02, 5.0]
    assert places([3.0, 3.02, 5.0], zero=3.0) == [0.0, 0.02, 2.0]


def test_rounded_stamps_make_no_gaps() -> None:
    clock = Clock(0.0, 100.0)
    at = 0.0
    for number in range(1000):  # Matroska rounds to milliseconds, live sources to more
        stamp = round(number * FRAME, 3) + (0.009 if number % 7 else -0.009)
        assert clock.step(stamp, at) == Step()
        at += FRAME


def test_a_clock_that_jumps_back_is_a_new_one() -> None:
    stamps = [*running(50.0, 3), *running(10.0, 2), 10.54]
    assert places(stamps, zero=50.0) == [0.0, 0.02, 0.04, 0.06, 0.08, 0.6]


def test_one_wrong_stamp_back_moves_nothing_after_it() -> None:
    stamps = running(0.0, 8)
    stamps[4] -= 3.0
    assert places(stamps) == [round(here, 3) for here in running(0.0, 8)]


def test_wrong_stamps_ahead_are_taken_back() -> None:
    stamps = running(0.0, 8)
    stamps[3:6] = [stamp + 40.0 for stamp in stamps[3:6]]
    assert places(stamps)[-1] == pytest.approx(0.14)


def test_a_wrong_stamp_beyond_the_limit_adds_nothing() -> None:
    stamps = running(0.0, 8)
    stamps[3:6] = [stamp + 4e5 for stamp in stamps[3:6]]
    assert places(stamps) == [round(here, 3) for here in running(0.0, 8)]


def test_pieces_that_overlap_do_not_push_each_other() -> None:
    """HLS segments: each begins with a frame of the encoder's delay, and stamps are right."""
    stamps = [second + frame for second in range(60) for frame in running(0.0, 51)]
    assert places(stamps)[-1] == pytest.approx(stamps[-1], abs=0.05)


@pytest.mark.parametrize("speed", [0.0, 0.5, 1.3, 1.9])
def test_a_clock_that_runs_wrong_costs_no_sound(speed: float) -> None:
    """RealMedia of old stamps every packet with 0; others count in the wrong unit."""
    found = places([number * FRAME * speed for number in range(1000)])
    sound = sum(1 for one, other in itertools.pairwise(found) if other > one)
    assert sound > 975
    assert found[-1] == pytest.approx(999 * FRAME, abs=0.6)


def test_sound_that_was_left_out_while_nothing_was_said_is_silence() -> None:
    """Discontinuous transmission: one frame in twenty, which the clock counts."""
    stamps = [number * 20 * FRAME for number in range(200)]
    assert places(stamps) == [round(stamp, 3) for stamp in stamps]


def test_a_leap_of_the_whole_file_is_no_silence() -> None:
    clock = Clock(0.0, 1e5)
    assert clock.step(7200.0, 10.0, leap=True) == Step()
    assert clock.step(7200.02, 10.02) == Step()
    assert clock.step(7205.02, 10.04).silence == pytest.approx(4.98)
