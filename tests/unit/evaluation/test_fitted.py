"""Fitted windows beside windows of 30 s, worked out by hand."""

import pytest

pytest.importorskip("faster_whisper")

from benchmarks.quality.fitted import FITTED, LATER, WHOLE, Heard, beside, more, row

IN_PARTS = {1.0: ["one", "two"], 4.0: ["three", "four", "five"], 9.0: ["six"]}
IN_ONE = {1.0: ["one", "two", "three", "four"], 9.0: ["six", "seven"]}


def test_a_window_heard_in_parts_is_compared_as_a_whole() -> None:
    assert [(start, len(one), len(other)) for start, one, other in beside(IN_ONE, IN_PARTS)] == [
        (0.0, 0, 0),
        (1.0, 4, 5),
        (9.0, 2, 1),
    ]
    assert more({WHOLE: Heard(IN_ONE, 0), FITTED: Heard(IN_PARTS, 1)}) == 1


def test_a_window_with_many_more_words_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    invented = {1.0: ["one"], 9.0: ["six", "thank", "you", "for", "watching"]}
    assert more({WHOLE: Heard(IN_ONE, 0), FITTED: Heard(invented, 1)}) == 3
    assert capsys.readouterr().err == "9.0 s: six seven | six thank you for watching\n"


def test_a_row_counts_edits_and_the_most_that_one_window_and_one_recording_have_more() -> None:
    ways = {WHOLE: Heard(IN_ONE, 0), FITTED: Heard(IN_PARTS, 1), LATER: Heard(IN_ONE, 2)}
    assert row(14, FITTED, [ways]) == "| 14 s, fitted | 2 | 6 | 1 | 1 | 1 | 0 | 1 | 0 |"
    assert row(14, LATER, [ways]) == "| 14 s, 30 s, 0.1 s later | 2 | 6 | 2 | 0 | 0 | 0 |  | 0 |"
