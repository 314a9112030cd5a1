"""Options and the wire: bounds, contradictions, round trips."""

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription.cues import Layout
from transcription.errors import InvalidInput
from transcription.language import LANGUAGES
from transcription.options import (
    AUDIO_NAMES,
    NAMES,
    REFERENCES,
    SECRETS,
    Options,
    choose_audio,
)
from transcription.subtitles import FORMATS
from transcription.transcript import Character, Segment, Transcript, Word
from transcription.wire import from_wire, to_wire

NAMED = "known_speaker_names"

# What the wire keeps of a time, a score, a number in an embedding: see `to_wire`.
times = st.floats(0, 1e5).map(lambda x: round(x, 3))
scores = st.floats(0, 1).map(lambda x: round(x, 3))
speakers = st.sampled_from([None, "SPEAKER_00", "SPEAKER_01"])
words = st.builds(Word, st.text(max_size=9), times, times, st.none() | scores, speakers)


def spelled(word: Word) -> Word:
    """``word`` with its characters, as the wire tells them apart: by the word's own letters."""
    return replace(word, characters=tuple(Character(c, word.start, word.end) for c in word.text))


segments = st.builds(
    Segment,
    st.text(max_size=30),
    times,
    times,
    st.lists(words, max_size=4).map(tuple) | st.lists(words.map(spelled), max_size=4).map(tuple),
    speakers,
    st.none() | st.floats(-20, 0).map(lambda x: round(x, 4)),
    st.none() | st.floats(0, 1).map(lambda x: round(x, 4)),
)
vectors = st.lists(st.floats(-9, 9).map(lambda x: round(x, 6)), max_size=3).map(tuple)
transcripts = st.builds(
    Transcript,
    segments=st.lists(segments, max_size=4).map(tuple),
    language=st.sampled_from(list(LANGUAGES)),
    duration=times,
    language_probability=st.none() | st.floats(0, 1).map(lambda x: round(x, 4)),
    speaker_embeddings=st.none() | st.dictionaries(st.text(max_size=5), vectors, max_size=3),
    warnings=st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@given(transcripts)
def test_the_wire_loses_nothing(transcript: Transcript) -> None:
    wire = to_wire(transcript)
    text = json.dumps(wire, allow_nan=False)
    assert from_wire(json.loads(text)) == transcript
    assert from_wire(wire) == transcript


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_reaches_json(nothing: float) -> None:
    word = Word("so", 0.0, 1.0, score=nothing)
    segment = Segment("so", 0.0, 1.0, (word,), avg_logprob=nothing)
    wire = to_wire(Transcript((segment,), "en", 1.0, language_probability=nothing))
    json.dumps(wire, allow_nan=False)
    assert wire["segments"][0]["words"][0]["score"] is None
    assert "avg_logprob" not in wire["segments"][0]


def test_words_are_left_out_when_there_are_none() -> None:
    wire = to_wire(Transcript((Segment("hm", 0, 1),), "en", 1.0))
    assert wire["segments"] == [{"start": 0, "end": 1, "text": "hm"}]


def test_inputs_become_options_and_others_are_passed_over() -> None:
    inputs = {"audio_file": "x", "language": "de", "num_speakers": None, "batch_size": 4}
    assert Options.from_inputs(inputs) == Options(language="de", batch_size=4)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers"),
        ({"num_speakers": 1, "min_speakers": 2}, "num_speakers"),
        ({"num_speakers": 3, "max_speakers": 2}, "num_speakers"),
        ({"vad_onset": 0.2}, "vad_offset"),
    ],
)
def test_contradictions_name_the_field(inputs: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=field) as caught:
        Options.from_inputs(inputs)
    assert caught.value.field == field
    assert caught.value.status == 422


def test_defaults_obey_their_own_bounds() -> None:
    for option in fields(Options):
        if option.default is None:
            continue
        if option.metadata["ge"] is not None:
            assert option.metadata["ge"] <= option.default <= option.metadata["le"]
        if option.metadata["choices"]:
            assert option.default in option.metadata["choices"]


def test_secrets_do_not_show() -> None:
    assert set(NAMES) > SECRETS == {"huggingface_access_token"}
    assert "hf_mine" not in repr(Options(huggingface_access_token="hf_mine"))


@pytest.mark.parametrize(
    ("inputs", "name"), [({"audio_file": "a"}, "audio_file"), ({"audio": "b"}, "audio")]
)
def test_the_recording_has_two_names(inputs: dict[str, str], name: str) -> None:
    assert choose_audio({**dict.fromkeys(AUDIO_NAMES), **inputs}) == (name, inputs[name])


@pytest.mark.parametrize(
    "inputs", [{}, {"audio_file": None, "audio": ""}, {"audio": "a", "audio_file": "b"}]
)
def test_none_and_two_recordings_are_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="audio_file"):
        choose_audio(inputs)


CLIPS = ("https://example.com/ann.wav", "https://example.com/bob.wav")


@pytest.mark.parametrize(
    ("inputs", "field", "reason"),
    [
        ({"known_speaker_names": ["Ann"]}, REFERENCES, "0 clips for 1 names"),
        ({REFERENCES: list(CLIPS)}, REFERENCES, "2 clips for 0 names"),
        ({"known_speaker_names": ["Ann", "Ann"], REFERENCES: list(CLIPS)}, NAMED, "twice"),
        ({"known_speaker_names": ["Ann", " "], REFERENCES: list(CLIPS)}, NAMED, "printed"),
        ({"known_speaker_names": ["Ann", "B\nob"], REFERENCES: list(CLIPS)}, NAMED, "printed"),
        ({"known_speaker_names": ["Ann", "B" * 65], REFERENCES: list(CLIPS)}, NAMED, "64"),
        (
            {"known_speaker_names": ["Ann", "SPEAKER_01"], REFERENCES: list(CLIPS)},
            NAMED,
            "unknown speakers",
        ),
        (
            {"known_speaker_names": list("abcdefghijklmnopq"), REFERENCES: ["x"] * 17},
            NAMED,
            "at most 16",
        ),
        (
            {"known_speaker_names": ["a", "b"], REFERENCES: list(CLIPS), "diarization": False},
            NAMED,
            "diarization",
        ),
        (
            {"return_char_alignments": True, "align_output": False},
            "return_char_alignments",
            "align_output",
        ),
    ],
)
def test_inputs_that_contradict_each_other_are_refused(
    inputs: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        Options.from_inputs(inputs)
    assert caught.value.field == field


def test_clips_are_not_printed() -> None:
    options = Options(known_speaker_names=("a", "b"), known_speaker_references=CLIPS)
    assert "example.com" not in repr(options)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_format_adds_text_and_replaces_nothing(output_format: str) -> None:
    transcript = Transcript((Segment("Hello there", 0.5, 2.0, (), "Ann"),), "en", 2.0)
    asked = Options.from_inputs({"output_format": output_format, "max_line_width": 10})
    narrow = Layout(max_line_width=10)
    plain, formatted = to_wire(transcript), to_wire(transcript, asked)
    assert formatted.pop("formatted") == FORMATS[output_format](transcript, narrow)
    assert formatted == plain
    empty = to_wire(Transcript((), "en", 2.0), asked)
    assert isinstance(empty["formatted"], str)


def test_json_adds_no_text() -> None:
    assert "formatted" not in to_wire(Transcript((), "en", 2.0), Options(max_line_width=10))


def test_characters_stand_one_after_the_other_as_in_whisperx() -> None:
    characters = (Character("h", 0, 0.5, 0.9), Character("i", 0.5, 1, None))
    words = (Word("hi", 0, 1, 0.9, None, characters), Word("ho", 1, 2))
    (segment,) = to_wire(Transcript((Segment("hi ho", 0, 2, words),), "en", 2.0))["segments"]
    assert segment["chars"] == [
        {"char": "h", "start": 0, "end": 0.5, "score": 0.9},
        {"char": "i", "start": 0.5, "end": 1, "score": None},
    ]
