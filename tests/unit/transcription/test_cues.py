"""Cues are cut where a viewer can read them: by width, pauses and time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.spoken import conversation, few, one, said, squeezed, transcripts
from transcription.cues import (
    LONGEST,
    NARROW,
    PAUSE,
    SHORTEST,
    USUAL,
    WIDE,
    Layout,
    cues,
)
from transcription.transcript import Segment, Transcript, Word

layouts = st.builds(
    Layout,
    max_line_width=st.none() | st.integers(10, 80),
    max_line_count=st.integers(1, 4),
)


@few
@given(transcripts, layouts)
def test_no_word_is_lost_or_told_twice(transcript: Transcript, layout: Layout) -> None:
    shown = "".join(line for cue in cues(transcript, layout) for line in cue.lines)
    assert squeezed(shown) == said(transcript)


@few
@given(transcripts)
def test_cues_last_and_never_go_back(transcript: Transcript) -> None:
    found = cues(transcript)
    assert all(0 <= cue.start < cue.end for cue in found)
    assert all(a.start <= b.start for a, b in pairwise(found))


@few
@given(transcripts, layouts)
def test_lines_fit_the_screen_with_their_label(transcript: Transcript, layout: Layout) -> None:
    for cue in cues(transcript, layout, "[{}]:"):
        assert 1 <= len(cue.lines) <= layout.max_line_count
        for line in cue.lines:
            assert line == line.strip()
            assert layout.measure(line) <= layout.width


def test_chinese_lines_are_shorter_and_need_no_spaces() -> None:
    text = "今天天气很好我们一起去公园散步吧然后再去吃饭看电影最后回家睡觉"
    (cue,) = cues(one(text))
    assert cue.lines == (text[:WIDE], text[WIDE:])
    assert len(cues(one(text * 2))) == 2


def test_punctuation_begins_no_line() -> None:
    (cue,) = cues(one("好" * (WIDE - 1) + "吗。" + "好"))
    assert not cue.lines[1].startswith("。")
    text = "right"
    (cue,) = cues(one(f"{text}.", words=(Word(text, 0.0, 0.5),)))
    assert cue.lines == ("right.",)


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("好" * WIDE + "、吗", "好" * (WIDE - 1)),
        ("好" * (WIDE - 1) + "「吗」", "好" * (WIDE - 1)),
        ("カ" * WIDE + "ー" + "カ", "カ" * (WIDE - 1)),
    ],
)
def test_punctuation_stays_with_its_character(text: str, line: str, *, timed: bool) -> None:
    """Also where it is a word of its own, as aligners of Chinese and Japanese have it."""
    words = tuple(Word(character, n / 10, n / 10) for n, character in enumerate(text))
    (cue,) = cues(one(text, 0.0, 5.0, words=words if timed else ()))
    assert cue.lines[0] == line


def test_what_is_quoted_after_a_pause_is_shown_when_it_is_said() -> None:
    words = (Word("好", 0.0, 0.2), Word("「", 0.2, 0.2), Word("吗", 3.0, 3.2), Word("」", 3.2, 3.2))
    found = cues(one("好「吗」", 0.0, 3.2, words=words))
    assert [(cue.start, cue.lines) for cue in found] == [(0, ("好",)), (3000, ("「吗」",))]


def test_long_speech_is_cut_by_the_times_of_its_words() -> None:
    words = tuple(Word(f"word{n}", float(n), n + 0.8) for n in range(20))
    found = cues(one(" ".join(word.text for word in words), 0.0, 20.0, words=words))
    assert found[0].lines == ("word0 word1 word2 word3 word4 word5 word6",)
    assert [(cue.start, cue.end) for cue in found][:2] == [(0, 6800), (7000, 13800)]
    assert all(cue.end - cue.start <= LONGEST for cue in found)


def test_words_that_the_text_does_not_hold_leave_it_as_it_is() -> None:
    found = cues(one("what was said", 1.0, 2.0, words=(Word("other", 1.0, 2.0),)))
    assert [(cue.start, cue.end, cue.lines) for cue in found] == [(1000, 2000, ("what was said",))]


def test_a_pause_inside_a_sentence_ends_the_cue() -> None:
    found = cues(conversation(("I", 0.13, 0.4), ("think", 0.45, 0.9), ("so", 6.1, 6.59)))
    assert [cue.lines for cue in found] == [("I think",), ("so",)]
    assert found[0].start == 130
    assert found[0].end <= 900 + 500
    assert (found[1].start, found[1].end) == (6100, 6100 + SHORTEST)


@pytest.mark.parametrize(("silence", "count"), [(PAUSE, 1), (PAUSE + 1, 2)])
def test_shorter_silence_does_not(silence: int, count: int) -> None:
    after = 1 + silence / 1000
    assert len(cues(conversation(("well", 0.0, 1.0), ("then", after, after + 1)))) == count


def test_every_pause_of_several_cuts() -> None:
    words = [(f"w{n}", 3.0 * n, 3.0 * n + 0.4) for n in range(5)]
    assert [cue.lines for cue in cues(conversation(*words))] == [(f"w{n}",) for n in range(5)]


def test_pauses_cut_text_that_is_written_without_spaces() -> None:
    words = (Word("今", 0.0, 0.2), Word("天", 0.2, 0.4), Word("好", 4.0, 4.2))
    found = cues(one("今天好", 0.0, 4.2, words=words))
    assert [cue.lines for cue in found] == [("今天",), ("好",)]


def test_a_short_cue_stays_to_be_seen_where_nothing_follows() -> None:
    (cue,) = cues(conversation(("Yes", 5.0, 5.13)))
    assert (cue.start, cue.end) == (5000, 5000 + SHORTEST)


def test_a_short_cue_gives_way_to_the_next_one() -> None:
    spoken = Segment("Yes", 5.0, 5.13), Segment("What?", 5.5, 6.5)
    first, second = cues(Transcript(spoken, "en", 9.0))
    assert first.end == second.start == 5500


def test_what_is_said_fast_stays_a_little_to_be_read() -> None:
    (cue,) = cues(one("thirty characters in 1.2 secs.", 1.0, 2.2))
    assert cue.end == 2500
    (longer,) = cues(one("so many characters in one second " * 2, 1.0, 2.0))
    assert longer.end == 2500


def test_a_word_that_was_stretched_over_silence_is_not_shown_for_ever() -> None:
    (cue,) = cues(conversation(("Well", 1.0, 30.0)))
    assert cue.end - cue.start == LONGEST


def test_the_label_is_part_of_the_first_line() -> None:
    words = [(f"word{n}", 0.1 * n, 0.1 * n + 0.1) for n in range(30)]
    transcript = conversation(*words, speaker="SPEAKER_01")
    for cue in cues(transcript, USUAL, "[{}]:"):
        assert cue.lines[0].startswith("[SPEAKER_01]: word")
        assert all(len(line) <= NARROW for line in cue.lines)


def test_a_name_that_is_too_long_is_cut() -> None:
    transcript = conversation(("Hello", 0, 1), ("there", 1, 2), speaker="Maximiliane " * 5)
    (cue,) = cues(transcript, USUAL, "[{}]:")
    assert cue.lines == ("[Maximiliane Maximiliane Maximiliane Ma…]:", "Hello there")
    (cue, *_) = cues(transcript, Layout(max_line_count=1, max_line_width=20), "[{}]:")
    assert cue.lines == ("[Maximi…]: Hello",)


def test_words_wider_than_a_line_are_broken_between_what_look_like_characters() -> None:
    lines = [line for cue in cues(one("e\u0301" * 30)) for line in cue.lines]
    assert [len(line) for line in lines] == [42, 18]
    assert all(line[0] == "e" for line in lines)


def test_a_width_that_was_asked_for_counts_characters() -> None:
    (cue,) = cues(one("好" * 40), Layout(max_line_width=20))
    assert cue.lines == ("好" * 20, "好" * 20)
    (cue,) = cues(one("one two three four five"), Layout(max_line_width=10, max_line_count=3))
    assert cue.lines == ("one two", "three four", "five")
