"""The pure half: windows, word times, speakers, progress."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription.attribution import Floor, attribute, in_order_of_appearance
from transcription.findings import Diarization, Window
from transcription.progress import ProgressLines, StagedProgress
from transcription.timing import RoughWord, settle, split_words
from transcription.transcript import Segment, Turn, Word
from transcription.windows import MIN_SPEECH_SECONDS, windows_of_speech

probabilities = st.floats(0, 1)
seconds = st.floats(0, 100)


def windows(scores: list[float], longest: float = 30.0, step: float = 0.1) -> list[Window]:
    return windows_of_speech(scores, first=0.0, step=step, onset=0.5, offset=0.3, longest=longest)


# Windows


def test_speech_begins_above_onset_and_ends_below_offset() -> None:
    scores = [0.4, 0.6, 0.4, 0.4, 0.2, 0.4, 0.1]
    (window,) = windows(scores)
    assert [window.start, window.end] == pytest.approx([0.1, 0.4])


def test_neighbours_share_a_window_while_they_fit() -> None:
    scores = [1.0] * 10 + [0.0] * 10 + [1.0] * 10 + [0.0]
    assert len(windows(scores, longest=3.0)) == 1
    assert len(windows(scores, longest=2.0)) == 2


def test_long_speech_is_cut_where_it_is_quietest() -> None:
    scores = [0.9] * 17 + [0.4] + [0.9] * 10 + [0.0]
    first, second = windows(scores, longest=2.0)
    assert first.end == second.start == pytest.approx(1.7)


def test_clicks_are_not_speech() -> None:
    assert windows([0.0, 1.0, 0.0, 0.0], step=MIN_SPEECH_SECONDS / 2) == []


@given(st.lists(probabilities, max_size=400), probabilities, probabilities, st.integers(1, 30))
def test_windows_are_sorted_apart_and_bounded(
    scores: list[float], one: float, other: float, longest: int
) -> None:
    found = windows_of_speech(
        scores,
        first=0.01,
        step=0.0169,
        onset=max(one, other),
        offset=min(one, other),
        longest=longest,
    )
    assert all(window.duration <= longest + 1e-9 for window in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(0 <= w.start < w.end <= 0.01 + 0.0169 * len(scores) for w in found)


# Word times


def test_untimed_words_share_the_gap_by_their_length() -> None:
    rough = [
        RoughWord("paid", 1.0, 2.0, 0.9),
        RoughWord("2"),
        RoughWord("250"),
        RoughWord("x", 4, 5),
    ]
    words = settle(rough, 0.0, 6.0)
    assert [(word.start, word.end) for word in words] == [(1, 2), (2, 2.5), (2.5, 4), (4, 5)]
    assert [word.score for word in words] == [0.9, None, None, None]


def test_words_nobody_timed_fill_the_segment() -> None:
    words = settle([RoughWord("ab"), RoughWord("cd")], 1.0, 3.0)
    assert [(word.start, word.end) for word in words] == [(1, 2), (2, 3)]


anything = st.none() | st.floats(allow_nan=True, allow_infinity=True)
rough_words = st.builds(RoughWord, st.text(min_size=1, max_size=9), anything, anything, anything)


@given(st.lists(rough_words, max_size=30), seconds, seconds)
def test_settled_words_are_in_order_and_in_bounds(
    rough: list[RoughWord], one: float, other: float
) -> None:
    start, end = sorted((one, other))
    words = settle(rough, start, end)
    assert [word.text for word in words] == [word.text for word in rough]
    edges = [start, *(time for word in words for time in (word.start, word.end)), end]
    assert edges == sorted(edges)
    assert all(word.score is None or 0 <= word.score <= 1 for word in words)


def test_languages_without_spaces_have_a_word_per_character() -> None:
    assert split_words("你 好", "zh") == ["你", "好"]
    assert split_words(" good  day ", "en") == ["good", "day"]


# Speakers

A, B = "SPEAKER_00", "SPEAKER_01"


@pytest.mark.parametrize(
    ("start", "end", "speaker"),
    [(0.0, 1.0, A), (1.5, 2.9, B), (1.9, 2.6, B), (4.1, 4.2, B), (8.0, 9.0, A), (1.2, 1.2, A)],
)
def test_a_word_belongs_to_who_overlaps_most_or_is_nearest(
    start: float, end: float, speaker: str
) -> None:
    floor = Floor([Turn(A, 0.5, 2.0), Turn(B, 2.0, 4.0), Turn(A, 7.0, 7.5)])
    assert floor.speaker(start, end) == speaker


def test_nobody_speaks_without_turns() -> None:
    assert Floor([]).speaker(0, 1) is None
    segment = Segment("Hello", 0, 1)
    assert attribute([segment], []) == (segment,)


def test_segments_are_split_where_the_speaker_changes() -> None:
    words = (Word("Yes,", 0, 1), Word("indeed.", 1, 2), Word("No!", 2, 3))
    segment = Segment("Yes, indeed.  No!", 0, 3, words, avg_logprob=-0.5)
    first, second = attribute([segment], [Turn(A, 0, 2), Turn(B, 2, 3)])
    assert (first.text, first.speaker, first.start, first.end) == ("Yes, indeed.", A, 0, 2)
    assert (second.text, second.speaker, second.start, second.end) == ("No!", B, 2, 3)
    assert second.avg_logprob == -0.5


def test_segments_without_words_get_one_speaker() -> None:
    (segment,) = attribute([Segment("Hello there", 0, 3)], [Turn(A, 0, 1), Turn(B, 1, 3)])
    assert segment.speaker == B


def test_text_of_a_language_without_spaces_keeps_its_spacing() -> None:
    words = (Word("你", 0, 1), Word("好", 1, 2), Word("吗", 2, 3))
    pieces = attribute([Segment("你好吗", 0, 3, words)], [Turn(A, 0, 2), Turn(B, 2, 3)])
    assert [piece.text for piece in pieces] == ["你好", "吗"]


@pytest.mark.parametrize(
    ("words", "turns", "speakers"),
    [
        # The boundary lies within the first word: it belongs to its sentence.
        ("So 0 .4, what .4 .8, now? .8 1.2", [(A, 0, 0.3), (B, 0.3, 2)], [B, B, B]),
        ("what 0 .4, was .4 .8, that? .8 1.2", [(A, 0, 0.9), (B, 1.0, 2)], [A, A, A]),
        ("a 0 .4, b .4 .8, c .8 1.2", [(A, 0, 0.45), (B, 0.45, 0.7), (A, 0.7, 2)], [A, A, A]),
        # A turn that covers the word, a pause, or a sentence of its own: an answer.
        ("So 0 .4, what .4 .8, now? .8 1.2", [(A, 0, 0.4), (B, 0.4, 2)], [A, B, B]),
        ("So 0 .4, what .7 .9, now? .9 1.2", [(A, 0, 0.3), (B, 0.3, 2)], [A, B, B]),
        ("So? 0 .4, What .4 .8, now? .8 1.2", [(A, 0, 0.3), (B, 0.3, 2)], [A, B, B]),
        # One word of each: nobody is alone.
        ("So 0 .4, what .4 .8", [(A, 0, 0.3), (B, 0.3, 2)], [A, B]),
    ],
)
def test_a_lone_doubtful_word_belongs_to_its_sentence(
    words: str, turns: list[tuple[str, float, float]], speakers: list[str]
) -> None:
    said = tuple(
        Word(text, float(start), float(end))
        for text, start, end in (word.rsplit(" ", 2) for word in words.split(", "))
    )
    segment = Segment(" ".join(word.text for word in said), 0, 2, said)
    pieces = attribute([segment], [Turn(*turn) for turn in turns])
    assert [word.speaker for piece in pieces for word in piece.words] == speakers


@st.composite
def exclusive_turns(draw: st.DrawFn) -> list[Turn]:
    edges = sorted(draw(st.sets(seconds, min_size=2, max_size=20)))
    speakers = st.sampled_from([A, B, "SPEAKER_02"])
    return [Turn(draw(speakers), *pair) for pair in pairwise(edges)][:: draw(st.integers(1, 2))]


@st.composite
def spoken_segments(draw: st.DrawFn) -> Segment:
    texts = draw(st.lists(st.text("abc.", min_size=1, max_size=4), min_size=1, max_size=12))
    low, high = sorted((draw(seconds), draw(seconds)))
    words = settle([RoughWord(text) for text in texts], low, high)
    return Segment(" ".join(texts), words[0].start, words[-1].end, words)


@given(st.lists(spoken_segments(), max_size=5), exclusive_turns())
def test_attribution_loses_nothing(segments: list[Segment], turns: list[Turn]) -> None:
    pieces = attribute(segments, turns)

    def spoken(of: list[Segment]) -> list[tuple[str, float, float]]:
        return [(word.text, word.start, word.end) for piece in of for word in piece.words]

    assert spoken(list(pieces)) == spoken(segments)
    assert " ".join(piece.text for piece in pieces) == " ".join(s.text for s in segments)
    for piece in pieces:
        assert piece.speaker is not None
        assert {word.speaker for word in piece.words} == {piece.speaker}
        assert (piece.start, piece.end) == (piece.words[0].start, piece.words[-1].end)


@given(exclusive_turns(), seconds, seconds)
def test_the_speaker_is_found_as_by_looking_at_every_turn(
    turns: list[Turn], one: float, other: float
) -> None:
    start, end = sorted((one, other))
    spoken: dict[str, float] = {}
    for turn in turns:
        overlap = min(turn.end, end) - max(turn.start, start)
        if overlap > 0:
            spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + overlap
    found = Floor(turns).speaker(start, end)
    if spoken:
        assert found is not None
        assert spoken[found] == pytest.approx(max(spoken.values()))
    else:
        gaps = {turn: max(turn.start - end, start - turn.end, 0.0) for turn in turns}
        nearest = min(gaps.values())
        assert found in {turn.speaker for turn, gap in gaps.items() if gap == nearest}


def test_speakers_are_numbered_as_they_appear() -> None:
    turns = (Turn("x", 5, 6), Turn("y", 0, 1), Turn("x", 1, 2))
    found = in_order_of_appearance(Diarization(turns, {"x": (1.0,), "y": (2.0,), "z": (3.0,)}))
    assert found.turns == (Turn(A, 0, 1), Turn(B, 1, 2), Turn(B, 5, 6))
    assert found.embeddings == {A: (2.0,), B: (1.0,)}


# Progress


@given(
    st.lists(st.tuples(st.sampled_from(["one", "two"]), st.floats(-1, 2)), min_size=1, max_size=30)
)
def test_progress_only_rises(steps: list[tuple[str, float]]) -> None:
    seen: list[float] = []
    progress = StagedProgress({"one": 1, "two": 3}, seen.append)
    for stage, share in steps:
        progress.of(stage)(share)
    progress.reach(1.0)
    assert seen == sorted(set(seen))
    assert seen[-1] == 1.0


def test_stages_count_by_their_weight() -> None:
    seen: list[float] = []
    progress = StagedProgress({"one": 1, "two": 3}, seen.append)
    progress.of("one")(1.0)
    progress.of("two")(0.5)
    assert seen == [0.25, 0.625]


def test_progress_lines_are_those_replicates_clients_parse() -> None:
    lines: list[str] = []
    write = ProgressLines(lines.append)
    for share in (0.0, 0.001, 0.5, 0.501, 1.0):
        write(share)
    matches = [re.search(r"^\s*(\d+)%\s*\|.+?\|\s*(\d+)/(\d+)", line) for line in lines]
    assert [match and match.groups() for match in matches] == [
        ("0", "0", "100"),
        ("50", "50", "100"),
        ("100", "100", "100"),
    ]
