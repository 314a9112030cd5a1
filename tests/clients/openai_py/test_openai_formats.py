"""OpenAI's client for Python: the formats of an answer, and translations."""

import io
from typing import Any

import pytest
import srt
import webvtt
from openai import OpenAI
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionVerbose,
)

from tests.clients.openai_py.conftest import SPOKEN, TEXT, record, transcribe

# Formats


def test_json_is_the_default(client: OpenAI) -> None:
    found: Any = transcribe(client)
    assert found.__class__ is Transcription
    assert found.text == TEXT
    usage: Any = found.usage
    assert (usage.type, usage.seconds) == ("duration", 60.5)
    assert found.logprobs is None


def test_logprobs_come_where_they_are_asked_for(client: OpenAI) -> None:
    found: Any = transcribe(client, include=["logprobs"])
    assert found.__class__ is Transcription
    tokens: Any = found.logprobs
    assert [(each.token, each.logprob) for each in tokens[:2]] == [
        (" Hello", -0.25), (" there.", -0.75),
    ]  # fmt: skip
    assert b"".join(bytes(map(int, each.bytes)) for each in tokens).decode() == f" {TEXT}"
    nothing: Any = transcribe(client, include=["logprobs"], prompt="silence")
    assert (nothing.text, nothing.logprobs) == ("", [])


def test_text(client: OpenAI) -> None:
    assert transcribe(client, response_format="text") == f"{TEXT}\n"


def test_srt_is_read_by_a_strict_parser(client: OpenAI) -> None:
    cues = list(srt.parse(transcribe(client, response_format="srt"), ignore_errors=False))
    assert [cue.content for cue in cues] == ["Hello there.", "5 → <b>", "Goodbye."] or [
        cue.content.partition("]: ")[2] for cue in cues
    ] == ["Hello there.", "5 → <b>", "Goodbye."]
    assert cues[2].start.total_seconds() == 60.0


def test_vtt_is_read_by_a_strict_parser(client: OpenAI) -> None:
    document = transcribe(client, response_format="vtt")
    cues = webvtt.from_buffer(io.StringIO(document)).captions
    assert [cue.voice for cue in cues] == ["SPEAKER_01", "SPEAKER_01", "SPEAKER_00"]
    assert cues[1].raw_text.startswith("<v SPEAKER_01>5 --&gt; &lt;b&gt;")
    assert cues[2].start == "00:01:00.000"


def test_tsv(client: OpenAI) -> None:
    rows = transcribe(client, response_format="tsv").splitlines()
    assert rows[0] == "start\tend\ttext\tspeaker"
    assert rows[3] == "60000\t60500\tGoodbye.\tSPEAKER_00"


def test_verbose_json_has_segments_and_no_words_unless_asked(client: OpenAI) -> None:
    found: Any = transcribe(client, response_format="verbose_json")
    assert found.__class__ is TranscriptionVerbose
    assert (found.language, found.duration, found.text) == ("english", 60.5, TEXT)
    assert found.words is None
    usage: Any = found.usage
    assert usage.seconds == 60.5
    assert found.segments is not None
    first, _, last = found.segments
    assert (first.id, first.start, first.end, first.text) == (0, 0.0, 1.2, "Hello there.")
    assert (last.id, last.seek) == (2, 6000)
    assert first.temperature == 0.0
    assert first.compression_ratio > 0
    assert first.avg_logprob == -0.25


def test_what_the_engine_does_not_tell_is_absent(client: OpenAI) -> None:
    found = transcribe(client, response_format="verbose_json")
    # This one was heard without a measure of confidence.
    assert "avg_logprob" not in found.segments[1].model_fields_set
    assert all("no_speech_prob" not in segment.model_fields_set for segment in found.segments)


@pytest.mark.parametrize(
    ("granularities", "segments", "words"),
    [(["word"], False, True), (["segment"], True, False), (["word", "segment"], True, True)],
)
def test_granularities(
    client: OpenAI, granularities: list[str], segments: bool, words: bool
) -> None:
    found = transcribe(
        client, response_format="verbose_json", timestamp_granularities=granularities
    )
    assert (found.segments is not None, found.words is not None) == (segments, words)
    if words:
        heard = [(word.word, word.start, word.end) for word in found.words]
        assert heard[:2] == [("Hello", 0.0, 0.5), ("there.", 0.6, 1.2)]
        assert len(heard) == 5


def test_diarized_json(client: OpenAI) -> None:
    found: Any = transcribe(
        client, model="gpt-4o-transcribe-diarize", response_format="diarized_json"
    )
    assert found.__class__ is TranscriptionDiarized
    assert (found.task, found.duration, found.text) == ("transcribe", 60.5, TEXT)
    assert [segment.speaker for segment in found.segments] == ["A", "A", "B"]
    assert [segment.id for segment in found.segments] == ["seg_001", "seg_002", "seg_003"]
    assert {segment.type for segment in found.segments} == {"transcript.text.segment"}
    usage: Any = found.usage
    assert usage.type == "duration"


def test_silence_is_valid_in_every_format(client: OpenAI) -> None:
    quiet = {"prompt": "silence"}
    assert transcribe(client, **quiet).text == ""
    assert transcribe(client, **quiet, response_format="verbose_json").segments == []
    assert transcribe(client, **quiet, response_format="diarized_json").segments == []
    assert transcribe(client, **quiet, response_format="srt") == ""
    assert transcribe(client, **quiet, response_format="vtt") == "WEBVTT\n"
    assert transcribe(client, **quiet, response_format="text") == "\n"


# Translations


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # OpenAI means to end them
@pytest.mark.parametrize("wanted", ["json", "verbose_json"])
def test_translations(client: OpenAI, wanted: Any) -> None:
    answer = client.audio.translations.with_raw_response.create(**SPOKEN, response_format=wanted)
    found: Any = answer.parse()
    assert found.text == TEXT
    assert record(client, answer.headers["x-prediction-id"])["input"]["task"] == "translate"
    if wanted == "verbose_json":
        assert (found.language, found.duration) == ("english", 60.5)
        assert len(found.segments) == 3
        assert found.model_extra["task"] == "translate"


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_translations_as_subtitles_or_text(client: OpenAI) -> None:
    def translated(wanted: Any) -> Any:
        return client.audio.translations.create(**SPOKEN, response_format=wanted)

    assert len(list(srt.parse(translated("srt"), ignore_errors=False))) == 3
    assert len(webvtt.from_buffer(io.StringIO(translated("vtt"))).captions) == 3
    assert translated("text") == f"{TEXT}\n"
