"""Inputs are refused by name, with the reason, before anything is spent on them."""

import contextlib
from typing import Any

import pytest

from bridge.intake.validation import Inputs
from transcription.model_names import Names
from transcription.schema import input_schema
from transcription.validation import InvalidInputs

AUDIO = {"audio_file": "https://example.com/a.wav"}


@pytest.fixture
def inputs() -> Inputs:
    return Inputs(Names(["demo", "large-v3"]), ["owner/aligner"])


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"vad_onset": 1.5}, "vad_onset", "maximum"),
        ({"batch_size": 0}, "batch_size", "minimum"),
        ({"batch_size": "many"}, "batch_size", "whole number"),
        ({"batch_size": True}, "batch_size", "whole number"),
        ({"language": "klingon"}, "language", "GET /languages"),
        ({"language": 7}, "language", "7"),
        ({"diarization": "perhaps"}, "diarization", "true or false"),
        ({"whisper_model": "huge"}, "whisper_model", "demo, large-v3"),
        ({"align_model": "other"}, "align_model", "offers: owner/aligner"),
        ({"output_format": "pdf"}, "output_format", "not one of json, srt"),
        ({"vad_method": "ear"}, "vad_method", "not one of pyannote, silero"),
        ({"known_speaker_names": 7}, "known_speaker_names", "is not a list"),
        ({"known_speaker_names": "Ann"}, "known_speaker_references", "0 clips for 1 names"),
        ({"known_speaker_names": ["Ann", 7]}, "known_speaker_names", "item 1: 7 is not a text"),
        ({"known_speaker_names": ["\ud800"]}, "known_speaker_names", "half a character"),
        ({"known_speaker_names": ["Ann"]}, "known_speaker_references", "0 clips for 1 names"),
        ({"bogus": 1}, "bogus", "unknown input"),
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers", "more than max_speakers"),
        ({"audio": "https://example.com/b.wav"}, "audio", "not both"),
    ],
)
def test_a_bad_input_is_named_with_its_reason(
    inputs: Inputs, given: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        inputs.check({**AUDIO, **given})
    found = {error.field: error.reason for error in caught.value.found}
    assert reason in found[field]


def test_all_bad_inputs_are_told_at_once(inputs: Inputs) -> None:
    with pytest.raises(InvalidInputs) as caught:
        inputs.check({**AUDIO, "vad_onset": 2, "batch_size": 0})
    assert {error.field for error in caught.value.found} == {"vad_onset", "batch_size"}


def test_no_recording_is_an_error_of_audio_file(inputs: Inputs) -> None:
    for given in ({}, {"audio_file": None}, {"audio_file": ""}):
        with pytest.raises(InvalidInputs) as caught:
            inputs.check(given)
        assert caught.value.found[0].field == "audio_file"


def test_nulls_count_as_absent(inputs: Inputs) -> None:
    chosen = inputs.check({**AUDIO, "audio": None, "language": None, "min_speakers": None})
    assert (chosen.field, chosen.recording) == ("audio_file", AUDIO["audio_file"])


def test_the_alias_serves(inputs: Inputs) -> None:
    chosen = inputs.check({"audio": "https://example.com/a"})
    assert (chosen.field, chosen.recording) == ("audio", "https://example.com/a")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_size", "8", 8),
        ("vad_onset", "0.25", 0.25),
        ("diarization", "False", False),
        ("language", "en", "en"),
        ("language", "", None),
        ("num_speakers", "2.0", 2),
        ("batch_size", "eight", "eight"),
        ("known_speaker_names", '["Ann", "Bob"]', ["Ann", "Bob"]),
        ("unknown", "x", "x"),
    ],
)
def test_form_texts_become_the_inputs_types(
    inputs: Inputs, name: str, text: str, value: object
) -> None:
    assert inputs.from_text(name, text) == value


def test_where_no_alignment_model_is_offered_none_can_be_asked_for() -> None:
    with pytest.raises(InvalidInputs) as caught:
        Inputs(Names(["demo"])).check({**AUDIO, "align_model": "any"})
    assert caught.value.found[0].reason == "this service offers: none"


@pytest.mark.parametrize("name", input_schema()["properties"])
def test_an_input_of_any_type_is_read_or_refused(inputs: Inputs, name: str) -> None:
    others: tuple[Any, ...] = ([], {}, [[]], [None], True, 0, 2.0, -1e308, float("nan"), 10**400)
    for value in (*others, "\ud800", "x", "1", "[1", "{", "'", '"', "\\", "\0"):
        with contextlib.suppress(InvalidInputs):
            inputs.check({**AUDIO, name: value})
