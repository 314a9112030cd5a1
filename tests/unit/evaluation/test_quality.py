"""The measures of quality, checked against cases worked out by hand."""

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyannote.metrics")

from benchmarks.quality import report
from evaluation.account import Account, SpokenWord, flat, of_output
from evaluation.measures import (
    Score,
    diarization_errors,
    score,
    speaker_word_errors,
)
from evaluation.truth import recordings, truth_of
from transcription.transcript import Turn


def said(speaker: str | None, text: str) -> list[SpokenWord]:
    return [SpokenWord(word, speaker) for word in text.split()]


def timed(text: str, *times: tuple[float, float]) -> list[SpokenWord]:
    return [SpokenWord(word, "A", *pair) for word, pair in zip(text.split(), times, strict=True)]


# Words and speakers


@pytest.mark.parametrize(
    ("found", "errors"),
    [
        ([*said("x", "a b c"), *said("y", "d e")], 0),
        ([*said("y", "d e"), *said("x", "a b c")], 0),  # speakers may come in any order
        ([*said("x", "a b c d e")], 4),  # d and e invented for one, missed of the other
        ([*said("x", "a b"), *said("y", "c d e")], 2),  # c missed here, invented there
        ([*said("x", "a b c"), *said("y", "d"), *said("z", "e")], 2),  # a third: e twice wrong
        ([*said("x", "a b c"), *said("y", "d"), *said(None, "e")], 2),  # nobody is a third
        ([*said("x", "a q c"), *said("y", "d e")], 1),
        ([], 5),
    ],
)
def test_words_of_the_wrong_speaker_count_twice(found: list[SpokenWord], errors: int) -> None:
    truth = [*said("A", "a b c"), *said("B", "d e")]
    assert speaker_word_errors(truth, found) == errors


def test_errors_over_several_recordings_are_added_before_they_are_divided() -> None:
    def one(truth: str, found: str) -> Score:
        return score(Account(tuple(said("A", truth)), ()), Account(tuple(said("x", found)), ()), 9)

    total = one("a b c d e f g h", "a b c d e f g h") + one("a b", "q r")
    assert total.wer == total.cpwer == pytest.approx(0.2)
    assert Score().wer is None


# Times


def test_boundaries_count_for_words_heard_right_alone() -> None:
    truth = Account(tuple(timed("a b c d", (0, 1), (1, 2), (2, 3), (3, 4))), ())
    found = Account(tuple(timed("a q c d", (0.1, 1), (1, 2), (2, 3.3), (3, 4.1))), ())
    result = score(truth, found, 5)
    # a: 0.1, 0; c: 0, 0.3; d: 0, 0.1. b was heard wrong.
    assert sorted(result.misses) == pytest.approx([0, 0, 0, 0.1, 0.1, 0.3])
    assert result.median_miss == pytest.approx(0.05)
    # a and d are close, c is not: 2 of 4 said and of 4 heard.
    assert result.f1 == pytest.approx(0.5)


def test_words_without_times_are_never_close() -> None:
    truth = Account(tuple(timed("a b", (0, 1), (1, 2))), ())
    result = score(truth, Account(tuple(said("x", "a b")), ()), 5)
    assert (result.misses, result.f1) == ((), 0)
    unknown = score(Account(tuple(said("A", "a b")), ()), truth, 5)
    assert unknown.f1 is None


# Speakers' turns


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ([Turn("x", 0, 4), Turn("y", 4, 8)], 0.0),
        ([Turn("x", 0, 8)], 4.0),  # all of B's is given to A
        ([Turn("x", 0, 4)], 4.0),  # missed
        ([Turn("x", 0, 4), Turn("y", 4, 10)], 2.0),  # falsely found
        ([Turn("x", 0, 5), Turn("y", 4, 8)], 1.0),  # one speaker too many for a second
        ([], 8.0),
    ],
)
def test_every_second_of_every_speaker_is_scored(found: list[Turn], wrong: float) -> None:
    truth = [Turn("A", 0, 4), Turn("B", 4, 8)]
    assert diarization_errors(truth, found, 10) == pytest.approx((8, wrong))


def test_missed_overlap_is_an_error() -> None:
    truth = [Turn("A", 0, 4), Turn("B", 3, 6)]
    assert diarization_errors(truth, [Turn("x", 0, 3.5), Turn("y", 3.5, 6)], 6) == pytest.approx(
        (7, 1)
    )


def test_turns_of_one_speaker_are_joined_and_of_two_are_not() -> None:
    turns = [Turn("A", 2, 4), Turn("A", 0, 2), Turn("B", 3, 5), Turn("A", 6, 6)]
    assert flat(turns) == (Turn("A", 0, 4), Turn("B", 3, 5))


# What a client gets


def test_what_is_missing_is_counted() -> None:
    segments: list[dict[str, Any]] = [
        {
            "text": "Hello, 2 you!",
            "start": 0,
            "end": 2,
            "speaker": "S",
            "words": [
                {"word": "Hello,", "start": 0, "end": 1, "speaker": "S"},
                {"word": "2"},
                {"word": "you!", "start": float("nan"), "end": 1.5, "speaker": "T"},
            ],
        },
        {"text": "Not aligned.", "start": 2, "end": 2, "words": []},
        {"text": "late", "start": 9, "end": 12, "words": [{"word": "late", "start": 9, "end": 12}]},
    ]
    account = of_output(segments, 10.0)
    assert (account.written, account.timed, account.attributed) == (6, 1, 2)
    assert [word.text for word in account.words] == ["hello", "2", "you", "not", "aligned", "late"]
    # Scored with its segment's speaker, though it counts as not attributed.
    assert [word.speaker for word in account.words] == ["S", "S", "T", None, None, None]
    assert [word.shown for word in account.words] == ["S", "S", "S", None, None, None]
    assert account.turns == (Turn("S", 0, 2),)


# Truth in files


def test_a_folder_of_recordings_is_read(tmp_path: Path) -> None:
    audio = tmp_path / "talk.flac"
    audio.touch()
    (tmp_path / "notes").touch()
    (tmp_path / "unlabelled.wav").touch()
    audio.with_suffix(".rttm").write_text(
        "SPEAKER talk 1 0.5 1.5 <NA> <NA> ann <NA> <NA>\n\nSPEAKER talk 1 1 2 <NA> <NA> bob <NA>\n"
    )
    audio.with_suffix(".stm").write_text(
        ";; a comment\n"
        "talk 1 bob 1.0 3.0 <o,f0,male> Good day!\n"
        "talk 1 ann 0.5 2.0 Hello.\n"
        "talk 1 ann 4 5 ignore_time_segment_in_scoring\n"
    )
    (only,) = recordings(tmp_path)
    assert (only.name, only.audio) == ("talk", audio)
    assert only.truth.turns == (Turn("ann", 0.5, 2.0), Turn("bob", 1.0, 3.0))
    assert only.truth.words == (*said("ann", "hello"), *said("bob", "good day"))

    audio.with_suffix(".ctm").write_text("talk 1 0.5 1 hello\ntalk 1 1 .5 good\ntalk 1 2 1 Day 1\n")
    assert [(word.start, word.end) for word in truth_of(audio).words] == [
        (0.5, 1.5),
        (1, 1.5),
        (2, 3),
    ]
    audio.with_suffix(".ctm").write_text("talk 1 0.5 1 other\n")
    with pytest.raises(ValueError, match="differ"):
        truth_of(audio)
    audio.with_suffix(".rttm").write_text("SPEAKER talk\n")
    with pytest.raises(ValueError, match="line 1"):
        truth_of(audio)


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(FileNotFoundError, match="rttm"):
        recordings(tmp_path)


def test_our_own_truth_tells_everything(tmp_path: Path) -> None:
    word = {"word": "Hello,", "start": 0.5, "end": 1.0}
    turns = [{"speaker": "A", "start": 0.5, "end": 1.0, "words": [word]}]
    (tmp_path / "a.json").write_text(json.dumps({"turns": turns}))
    truth = truth_of(tmp_path / "a.wav")
    assert truth == Account((SpokenWord("hello", "A", 0.5, 1.0),), (Turn("A", 0.5, 1.0),))


def test_generated_conversations_are_held_out_and_as_their_scene_says(tmp_path: Path) -> None:
    from benchmarks.quality import scenes
    from models.demo import grammar

    pytest.importorskip("scipy")
    try:
        drawn = {scene.kind: scenes.draw(scene, random.Random(3)) for scene in scenes.SCENES}
    except OSError:
        pytest.skip("espeak-ng is not installed")
    for conversation in drawn.values():
        assert all(grammar.held_out(turn.text) for turn in conversation.turns)
        assert conversation.turns[-1].end < conversation.duration
    overlapping = drawn["overlapping speakers"].turns
    assert any(a.end > b.start for a, b in pairwise(overlapping))
    paused = drawn["long pauses"].turns
    assert all(b.start - a.end >= 1.9 for a, b in pairwise(paused))
    assert len({turn.speaker for turn in drawn["three speakers"].turns}) == 3


def test_the_table_sums_up_recordings_of_one_kind() -> None:
    perfect = Score(words=4, written=4, timed=4, attributed=4)
    worse = Score(words=4, word_errors=1, written=4, timed=3, attributed=2)
    rows = [report.Row("noise", 10.0, perfect, worse), report.Row("noise", 20.0, perfect, worse)]
    lines = report.table([*rows, report.Row("talk", 5.0, perfect, perfect)]).splitlines()
    assert lines[2] == "| noise | 30 s | 8 | ours | 0.0 % | – | – | – | – | – | 100.0 % | 100.0 % |"
    assert lines[3] == "|  |  |  | stock | 25.0 % | – | – | – | – | – | 75.0 % | 50.0 % |"
    assert lines[6].startswith("| all | 35 s | 12 | ours |")
    assert len(lines) == 8
