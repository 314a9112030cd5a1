"""Corrections: each kind of edit, and what holds for any sequence of them."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription.errors import InvalidInput
from transcription.retiming import tokens
from transcription.revision import EDITS, MAX_EDITS, revised
from transcription.transcript import Segment, Transcript, Word


def segment(start: float, text: str, speaker: str | None, *, timed: bool = True) -> Segment:
    """Words of half a second each."""
    pieces = text.split()
    words = [
        Word(piece, start + number / 2, start + number / 2 + 0.4, 0.9, speaker)
        for number, piece in enumerate(pieces)
    ]
    end = start + len(pieces) / 2
    return Segment(text, start, end, tuple(words) if timed else (), speaker, -0.2, 0.01)


def conversation() -> Transcript:
    return Transcript(
        segments=(
            segment(0.0, "good morning how are you", "SPEAKER_00"),
            segment(3.0, "fine thank you", "SPEAKER_01"),
            segment(5.0, "the the train leaves", "SPEAKER_01"),
            segment(8.0, "nobody timed these words", None, timed=False),
        ),
        language="en",
        duration=11.0,
        speaker_embeddings={"SPEAKER_00": (0.1,), "SPEAKER_01": (0.2,)},
    )


def words_of(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [(w.text, w.start, w.end) for s in transcript.segments for w in s.words]


def test_words_that_stay_keep_their_times_and_new_ones_share_the_gap() -> None:
    after = revised(conversation(), [{"edit": "text", "segment": 0, "text": "good morning to you"}])
    assert after.segments[0].text == "good morning to you"
    assert words_of(after)[:4] == [
        ("good", 0.0, 0.4),
        ("morning", 0.5, 0.9),
        ("to", 1.0, 1.9),  # in the place of two
        ("you", 2.0, 2.4),
    ]
    assert [word.score for word in after.segments[0].words] == [0.9, 0.9, None, 0.9]


def test_a_word_in_place_of_another_keeps_its_times() -> None:
    after = revised(conversation(), [{"edit": "text", "segment": 1, "text": "fine thank Maria"}])
    assert words_of(after)[5:8] == [("fine", 3.0, 3.4), ("thank", 3.5, 3.9), ("Maria", 4.0, 4.4)]


def test_words_between_two_others_share_what_is_between_them() -> None:
    after = revised(
        conversation(), [{"edit": "text", "segment": 1, "text": "fine I thank you very much"}]
    )
    words = words_of(after)[5:11]
    assert [word for word, *_ in words] == ["fine", "I", "thank", "you", "very", "much"]
    assert words[1][1:] == (3.4, 3.5)
    assert (words[4][1], words[5][2]) == (4.4, 4.5)


def test_a_speaker_is_renamed_everywhere() -> None:
    after = revised(conversation(), [{"edit": "rename", "speaker": "SPEAKER_01", "name": "Maria"}])
    assert [s.speaker for s in after.segments] == ["SPEAKER_00", "Maria", "Maria", None]
    assert {w.speaker for s in after.segments[1:3] for w in s.words} == {"Maria"}
    assert after.speaker_embeddings == {"SPEAKER_00": (0.1,), "Maria": (0.2,)}


def test_a_turn_is_given_to_another() -> None:
    edit = {"edit": "assign", "first": 1, "last": 2, "speaker": "SPEAKER_00"}
    after = revised(conversation(), [edit])
    assert [s.speaker for s in after.segments] == ["SPEAKER_00"] * 3 + [None]
    assert revised(after, [{**edit, "speaker": None}]).segments[1].words[0].speaker is None


def test_a_split_divides_text_words_and_time() -> None:
    left, right = revised(conversation(), [{"edit": "split", "segment": 0, "word": 2}]).segments[:2]
    assert (left.text, left.start, left.end) == ("good morning", 0.0, 0.9)
    assert (right.text, right.start, right.end) == ("how are you", 1.0, 2.5)
    assert [len(left.words), len(right.words)] == [2, 3]


def test_a_split_of_untimed_text_shares_its_time() -> None:
    left, right = revised(conversation(), [{"edit": "split", "segment": 3, "word": 1}]).segments[3:]
    assert (left.text, right.text) == ("nobody", "timed these words")
    assert left.end == right.start
    assert 8.0 < left.end < 9.0


def test_a_merge_undoes_a_split() -> None:
    first = conversation()
    after = revised(
        first, [{"edit": "split", "segment": 0, "word": 2}, {"edit": "merge", "segment": 0}]
    )
    unmeasured = replace(first.segments[0], avg_logprob=None, no_speech_prob=None)
    assert after.segments == (unmeasured, *first.segments[1:])


def test_where_no_spaces_are_written_every_character_is_a_word() -> None:
    assert tokens("你好 世界", "zh") == list("你好世界")
    chinese = Transcript(
        (Segment("你好", 0.0, 1.0, (Word("你", 0, 0.5), Word("好", 0.5, 1))),), "zh", 1
    )
    after = revised(chinese, [{"edit": "text", "segment": 0, "text": "您好"}])
    assert after.text == "您好"
    assert words_of(after) == [("您", 0, 0.5), ("好", 0.5, 1)]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ("text", "edits[0]"),
        ({"edit": "erase"}, "edits[0].edit"),
        ({"edit": ["text"]}, "edits[0].edit"),
        ({"segment": 0}, "edits[0].edit"),
        ({"edit": "text", "segment": 0}, "edits[0].text"),
        ({"edit": "text", "segment": 4, "text": ""}, "edits[0].segment"),
        ({"edit": "text", "segment": -1, "text": ""}, "edits[0].segment"),
        ({"edit": "text", "segment": True, "text": ""}, "edits[0].segment"),
        ({"edit": "text", "segment": 0, "text": "x" * 20_001}, "edits[0].text"),
        ({"edit": "text", "segment": 0, "text": "x", "start": 1}, "edits[0].start"),
        ({"edit": "rename", "speaker": "SPEAKER_07", "name": "Maria"}, "edits[0].speaker"),
        ({"edit": "rename", "speaker": ["SPEAKER_00"], "name": "Maria"}, "edits[0].speaker"),
        ({"edit": "rename", "speaker": "SPEAKER_00", "name": " "}, "edits[0].name"),
        ({"edit": "rename", "speaker": "SPEAKER_00", "name": "a\nb"}, "edits[0].name"),
        ({"edit": "assign", "first": 2, "last": 1, "speaker": "x"}, "edits[0].last"),
        ({"edit": "split", "segment": 1, "word": 0}, "edits[0].word"),
        ({"edit": "split", "segment": 1, "word": 3}, "edits[0].word"),
        ({"edit": "merge", "segment": 3}, "edits[0].segment"),
    ],
)
def test_an_impossible_edit_is_refused_by_its_field(edit: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        revised(conversation(), [edit])
    assert refused.value.field == field


SPOKEN = ("the", "train", "leaves", "Maria", "ok", "你好", "a\u202eb", "<b>")
TEXTS = st.lists(st.sampled_from(SPOKEN), max_size=9)


@st.composite
def sequences(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Edits that are possible one after the other."""
    transcript, edits = conversation(), []
    for _ in range(draw(st.integers(0, 12))):
        edit = draw(possible(transcript))
        edits.append(edit)
        transcript = revised(transcript, [edit])
    return edits


@st.composite
def possible(draw: st.DrawFn, transcript: Transcript) -> dict[str, Any]:
    segments = transcript.segments
    at = draw(st.integers(0, len(segments) - 1))
    speakers = sorted({s.speaker for s in segments if s.speaker})
    units = len(segments[at].words) or len(segments[at].text.split())
    kinds = ["text", "assign", *(["rename"] if speakers else [])]
    kinds += ["split"] if units > 1 else []
    kinds += ["merge"] if at < len(segments) - 1 else []
    match draw(st.sampled_from(kinds)):
        case "text":
            return {"edit": "text", "segment": at, "text": " ".join(draw(TEXTS))}
        case "assign":
            speaker = draw(st.sampled_from([None, "Maria", "SPEAKER_00"]))
            last = draw(st.integers(at, len(segments) - 1))
            return {"edit": "assign", "first": at, "last": last, "speaker": speaker}
        case "rename":
            name = draw(st.sampled_from(["Maria", "Peter", "SPEAKER_00"]))
            return {"edit": "rename", "speaker": draw(st.sampled_from(speakers)), "name": name}
        case "split":
            return {"edit": "split", "segment": at, "word": draw(st.integers(1, units - 1))}
    return {"edit": "merge", "segment": at}


@given(sequences())
def test_words_stay_in_order_and_within_the_recording(edits: list[dict[str, Any]]) -> None:
    after = revised(conversation(), edits)
    times = [time for _, start, end in words_of(after) for time in (start, end)]
    assert all(earlier <= later + 1e-9 for earlier, later in pairwise(times))
    assert all(s.start <= s.end for s in after.segments)
    assert all(0 <= time <= after.duration for time in times)


@given(sequences())
def test_the_first_output_is_not_touched_and_undoing_all_leads_back_to_it(
    edits: list[dict[str, Any]],
) -> None:
    first = conversation()
    states = [revised(first, edits[:count]) for count in range(len(edits), -1, -1)]
    assert first == conversation()
    assert states[-1] == first
    # One step at a time is the same as all at once: what is saved is what was seen.
    step = first
    for edit in edits:
        step = revised(step, [edit])
    assert step == states[0]


@given(sequences())
def test_only_writing_changes_what_was_said(edits: list[dict[str, Any]]) -> None:
    first = conversation()
    moved = [edit for edit in edits if edit["edit"] != "text"]
    try:
        after = revised(first, moved)
    except InvalidInput:
        return  # without the texts between them, some are impossible
    assert after.text.split() == first.text.split()


@given(sequences())
def test_the_words_are_the_text(edits: list[dict[str, Any]]) -> None:
    for segment_after in revised(conversation(), edits).segments:
        if segment_after.words:
            assert [word.text for word in segment_after.words] == segment_after.text.split()


def test_every_kind_of_edit_is_tried() -> None:
    assert set(EDITS) == {"text", "rename", "assign", "split", "merge"}
    assert MAX_EDITS == 10_000
