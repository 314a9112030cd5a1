"""What the routes render, whatever was transcribed, and what they are set to."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bridge.api import asr, rest, speakers
from bridge.api.documentation.schemas import SCHEMAS
from bridge.api.openai import render, stream
from bridge.api.waiting import Result
from bridge.settings import Settings
from tests.fixtures.spoken import texts
from tests.unit.bridge.test_render import prediction
from transcription.engine.settings import Settings as PredictorSettings
from transcription.environment import SettingsError
from transcription.notices import notice
from transcription.transcript import Segment, Token, Transcript, Word
from transcription.wire import to_wire

SECRETS = {"BRIDGE_TOKEN": "0123456789abcdef", "WEBHOOK_SECRET": "0123456789abcdef"}

times = st.floats(0, 1e5) | st.sampled_from([59.9996, 3599.9999])
labels = st.none() | st.integers(0, 99).map(lambda n: f"SPEAKER_{n:02}") | st.sampled_from("ABÄ")
words = st.builds(Word, texts, times, times, st.none() | st.floats(0, 1), labels)
segments = st.builds(
    Segment,
    texts,
    times,
    times,
    st.lists(words, max_size=3).map(tuple),
    labels,
    st.none() | st.floats(-9, 0),
    st.none() | st.floats(0, 1),
    language=st.none() | st.sampled_from(["en", "fr"]),
    channel=st.none() | st.integers(1, 3),
)
transcripts = st.builds(
    Transcript,
    st.lists(segments, max_size=6).map(tuple),
    st.sampled_from(["en", "ja", "zh", "yue", "xx"]),
    times,
)
EMPTY = Transcript((), "en", 0.0)
metrics = st.sampled_from(
    [{}, {"predict_time": 3.0, "timing": {"recognize": 1.0, "diarize": 0.5, "align": 0.25}}]
)
# A busy machine is slow at times.
few = settings(max_examples=40)


def conforms(name: str, body: object) -> None:
    """As `/openapi.json` describes it, and JSON."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(schema).validate(json.loads(json.dumps(body, allow_nan=False)))


def spoken_by(*names: str | None) -> Transcript:
    said = (Segment(f"t{n}", n, n + 1.0, (), name) for n, name in enumerate(names))
    return Transcript(tuple(said), "en", 40.0)


@few
@given(transcripts, st.sampled_from([(), ("word",), ("segment",), render.GRANULARITIES]))
@example(EMPTY, render.GRANULARITIES)
def test_json_formats_are_as_described(transcript: Transcript, wanted: tuple[str, ...]) -> None:
    conforms("Transcription", render.plain(transcript))
    whole = replace(transcript, tokens=(Token((226, 130), -0.5),))
    conforms("Transcription", render.plain(whole, logprobs=True))
    conforms("DiarizedTranscription", render.diarized(transcript))
    found = render.verbose(transcript, "transcribe", 0.0, wanted)
    conforms("VerboseTranscription", found)
    assert ("words" in found, "segments" in found) == ("word" in wanted, "segment" in wanted)


@few
@given(transcripts)
def test_nothing_is_made_up(transcript: Transcript) -> None:
    found = render.verbose(transcript, "transcribe", 0.5, ("segment",))["segments"]
    for shown, segment in zip(found, transcript.segments, strict=True):
        assert shown.get("avg_logprob") == segment.avg_logprob
        assert shown.get("no_speech_prob") == segment.no_speech_prob
        text = segment.text.encode()
        ratio = len(text) / len(zlib.compress(text))
        assert math.isclose(shown["compression_ratio"], ratio, abs_tol=1e-3)


@few
@given(transcripts, metrics)
@example(EMPTY, {})
def test_a_conversation_is_as_described(
    transcript: Transcript, measured: dict[str, object]
) -> None:
    body = speakers._body(Result(prediction(input={}, metrics=measured), transcript, b""))
    conforms("Conversation", body)
    turns = body["segments"]
    whose = [[turn.get(key) for key in ("speaker", "language", "channel")] for turn in turns]
    assert all(a != b for a, b in pairwise(whose))
    heard = [word.text for segment in transcript.segments for word in segment.words]
    assert [word["word"] for turn in turns for word in turn["words"]] == heard


@few
@given(transcripts)
@example(EMPTY)
def test_the_rest_doors_answer_is_as_described(transcript: Transcript) -> None:
    body = rest._body(Result(prediction(input={}), transcript, b""))
    conforms("Transcript", body)
    assert [segment["text"] for segment in body["segments"]] == [
        segment.text for segment in transcript.segments
    ]


def _own(segment: Mapping[str, Any]) -> tuple[Any, Any]:
    return segment.get("language"), segment.get("channel")


@few
@given(transcripts)
def test_every_json_tells_whose_language_and_channel(transcript: Transcript) -> None:
    result = Result(prediction(input={}), transcript, b"")
    own = [(segment.language, segment.channel) for segment in transcript.segments]
    for segments in (
        render.verbose(transcript, "transcribe", 0.0, ("segment",))["segments"],
        render.diarized(transcript)["segments"],
        rest._body(result)["segments"],
        json.loads(asr._written(result, "json", voices=False))["segments"],
        to_wire(transcript)["segments"],  # what a prediction's output is
    ):
        assert [_own(each) for each in segments] == own
    # There neighbours are one where all of it is the same.
    neighbours = groupby((one.speaker, one.language, one.channel) for one in transcript.segments)
    turns = speakers._body(result)["segments"]
    assert [(turn["speaker"], *_own(turn)) for turn in turns] == [each for each, _ in neighbours]
    spoken = [language or transcript.language for language, _ in own]
    assert render.languages(transcript) == [{"code": code} for code in dict.fromkeys(spoken)]


def test_speakers_beyond_z_are_named_on() -> None:
    labels = [f"SPEAKER_{n:02}" for n in range(60)]
    found = render.diarized_segments(spoken_by(*labels))
    names = [segment["speaker"] for segment in found]
    assert names[:2] + names[25:28] + names[51:53] == ["A", "B", "Z", "AA", "AB", "AZ", "BA"]
    assert len(set(names)) == 60


def test_known_speakers_keep_their_names_and_others_do_not_get_them() -> None:
    found = render.diarized_segments(spoken_by("SPEAKER_00", "A", None, "SPEAKER_01", "Ada"))
    assert [segment["speaker"] for segment in found] == ["B", "A", "unknown", "C", "Ada"]


def test_languages_without_spaces_are_joined_without() -> None:
    said = (Segment("你好。", 0.0, 1.0), Segment("再见。", 1.0, 2.0))
    assert render.plain(Transcript(said, "zh", 2.0))["text"] == "你好。再见。"
    assert render.verbose(Transcript(said, "zh", 2.0), "transcribe", 0, ())["language"] == "chinese"


def test_verbose_json_tells_what_could_not_be_done() -> None:
    warned = Transcript((), "en", 2.0, warnings=(notice("no_speech"),))
    found = render.verbose(warned, "transcribe", 0.0, ())["warnings"]
    assert found == ["no_speech: No speech was found in the recording."]


@few
@given(st.lists(texts, max_size=5), st.integers(0, 5))
def test_what_was_told_and_the_rest_make_up_the_text(said: list[str], count: int) -> None:
    whole = " ".join(filter(None, (text.strip() for text in said)))
    early = ""
    for text in said[:count]:
        early += stream._spaced(early, text.strip())
    text = early + stream._rest(whole, early)
    assert "".join(text.split()) == "".join(whole.split())


def test_a_text_that_was_told_otherwise_is_not_told_again() -> None:
    assert stream._rest("something else", "some words") == ""


def test_wire_formats_are_small() -> None:
    folder = Path(speakers.__file__).parent
    # No wire formats: the documentation of all, and the form that several share.
    others = {*folder.glob("documentation/*.py"), folder / "forms.py"}
    handlers = [path for path in folder.rglob("*.py") if path not in others]
    lines = {str(path.relative_to(folder)): path.read_text().count("\n") for path in handlers}
    assert len(lines) > 15
    assert {name: count for name, count in lines.items() if count > 150} == {}


def test_the_speakers_model_is_its_own() -> None:
    def of(**environ: str) -> tuple[tuple[str, ...], str]:
        found = Settings.from_env({**SECRETS, **environ})
        assert PredictorSettings.from_environment(environ).models == found.model_names
        return found.model_names, found.speakers_default

    assert of(DEVICE="cpu") == (("base",), "base")
    assert of(MODELS="tiny,medium") == (("tiny", "medium"), "medium")
    assert of(DEVICE="cuda", WHISPER_MODEL="small") == (("large-v3", "small"), "small")
    assert of(MODELS="small,tiny", WHISPER_MODEL="tiny") == (("small", "tiny"), "tiny")


def test_no_answer_is_held_for_as_long_as_clients_wait() -> None:
    assert Settings.from_env(SECRETS).sync_timeout == 540
    old = {"OPENAI_STT_TIMEOUT_SECONDS": "300"}
    assert Settings.from_env({**SECRETS, **old}).sync_timeout == 300
    for wrong in ("0", "600"):
        with pytest.raises(SettingsError, match="SYNC_TIMEOUT"):
            Settings.from_env({**SECRETS, "SYNC_TIMEOUT": wrong})


def test_anonymous_access_is_off_unless_it_is_asked_for() -> None:
    assert Settings.from_env(SECRETS).allow_anonymous == 0
    with pytest.raises(SettingsError, match="ALLOW_ANONYMOUS"):
        Settings.from_env({**SECRETS, "ALLOW_ANONYMOUS": "2"})
