"""OpenAI's Python client, unchanged."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import srt
import webvtt
from openai import AsyncOpenAI, OpenAI
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
    TranscriptionVerbose,
)

from evaluation.predictors.timed import TALK
from tests.clients.conftest import SYNC_SECONDS
from tests.clients.helpers import WAV, data_uri, wav
from tests.conftest import RunningStack

TEXT = " ".join(str(segment["text"]) for segment in TALK)
CLIP = data_uri(wav(3))
SPOKEN: dict[str, Any] = {"file": ("talk.wav", WAV), "model": "whisper-1", "prompt": "talk"}


@pytest.fixture
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, max_retries=0) as client:
        yield client


def transcribe(client: OpenAI, **fields: Any) -> Any:
    return client.audio.transcriptions.create(**{**SPOKEN, **fields})


# Formats


def test_json_is_the_default(client: OpenAI) -> None:
    found: Any = transcribe(client)
    assert found.__class__ is Transcription
    assert found.text == TEXT
    usage: Any = found.usage
    assert (usage.type, usage.seconds) == ("duration", 60.5)
    assert found.logprobs is None


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


# Fields


def test_fields_become_inputs(client: OpenAI, stack: RunningStack) -> None:
    answer = client.audio.transcriptions.with_raw_response.create(
        **{**SPOKEN, "model": "demo", "language": "en", "temperature": 0.5},
        chunking_strategy={"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 200},
        keywords=["Ada", "Lovelace"],
        extra_body={"num_speakers": 2, "diarization": "true"},
    )
    shown = record(client, answer.headers["x-prediction-id"])["input"]
    shown.pop("audio_file")
    assert shown == {
        "whisper_model": "demo",
        "task": "transcribe",
        "initial_prompt": "talk",
        "language": "en",
        "temperature": 0.5,
        "vad_onset": 0.7,
        "vad_offset": 0.508,
        "hotwords": "Ada Lovelace",
        "num_speakers": 2,
        "diarization": True,
    }


def test_known_speakers_become_inputs(client: OpenAI) -> None:
    clip = wav(3)
    answer = client.audio.transcriptions.with_raw_response.create(
        **SPOKEN, known_speaker_names=["Ada", "Bob"], known_speaker_references=[data_uri(clip)] * 2
    )
    shown = record(client, answer.headers["x-prediction-id"])["input"]
    assert shown["diarization"] is True
    assert shown["known_speaker_names"] == ["Ada", "Bob"]
    assert shown["known_speaker_references"] == [f"data:audio/wav ({len(clip)} bytes)"] * 2


def record(client: OpenAI, prediction_id: str) -> dict[str, Any]:
    found: Any = client.get(f"/predictions/{prediction_id}", cast_to=object)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "model",
    ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"],
)
def test_names_that_clients_know_stand_for_the_default_model(client: OpenAI, model: str) -> None:
    answer = client.audio.transcriptions.with_raw_response.create(**{**SPOKEN, "model": model})
    shown = record(client, answer.headers["x-prediction-id"])["input"]
    assert "whisper_model" not in shown
    assert shown["diarization"] is (model == "gpt-4o-transcribe-diarize")
    assert client.models.retrieve(model).id == model


def test_chunking_may_be_automatic(client: OpenAI) -> None:
    assert transcribe(client, chunking_strategy="auto").text == TEXT


def test_a_repeated_list_may_have_no_brackets(client: OpenAI) -> None:
    extra = {"timestamp_granularities": "word"}
    found = transcribe(client, response_format="verbose_json", extra_body=extra)
    assert found.words


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


# Streams


@pytest.mark.parametrize("wanted", ["json", "diarized_json"])
def test_deltas_come_while_it_runs_and_make_up_the_text(client: OpenAI, wanted: str) -> None:
    began = time.monotonic()
    events = [
        (time.monotonic() - began, event)
        for event in transcribe(client, prompt="talk sleep=2", response_format=wanted, stream=True)
    ]
    deltas = [(at, e) for at, e in events if type(e) is TranscriptionTextDeltaEvent]
    (ended, done), segments = events[-1], events[len(deltas) : -1]
    assert type(done) is TranscriptionTextDoneEvent
    assert done.text == "".join(event.delta for _, event in deltas) == TEXT
    assert done.usage is None
    # They were there before the 2 s in which it goes on without saying anything.
    assert ended - deltas[0][0] > 0.5
    assert len(segments) == (3 if wanted == "diarized_json" else 0)
    for _, segment in segments:
        assert type(segment) is TranscriptionTextSegmentEvent
    assert [s.speaker for _, s in segments] == ["A", "A", "B"][: len(segments)]


def test_what_was_not_told_early_is_the_last_delta(client: OpenAI) -> None:
    *deltas, done = list(transcribe(client, prompt="nothing early", stream=True))
    assert [event.delta for event in deltas] == ["nothing early"] == [done.text]


def test_a_stream_that_fails_says_why(client: OpenAI) -> None:
    with pytest.raises(openai.APIError, match="ran out of ideas"):
        list(transcribe(client, prompt="fail=ran out of ideas", stream=True))


# Models


def test_models_are_listed_for_both_families(client: OpenAI) -> None:
    listed = [model.id for model in client.models.list()]
    assert listed[0] == "demo"
    assert "whisper-1" in listed
    found = client.models.retrieve("demo")
    assert (found.id, found.object, found.owned_by) == ("demo", "model", "whisperx")
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("gpt-99")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


# Errors


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"response_format": "docx"}, "response_format", "verbose_json"),
        ({"model": "gpt-99"}, "model", "demo"),
        ({"model": ""}, "model", "required"),
        ({"language": "klingon"}, "language", "klingon"),
        ({"temperature": 3}, "temperature", "maximum"),
        ({"extra_body": {"temperature": "warm"}}, "temperature", "number"),
        ({"timestamp_granularities": ["letter"]}, "timestamp_granularities", "word"),
        ({"include": ["logprobs"]}, "include", "logprobs"),
        ({"extra_body": {"chunking_strategy": "{"}}, "chunking_strategy", "server_vad"),
        ({"extra_body": {"chunking_strategy[type]": "mood"}}, "chunking_strategy", "server_vad"),
        (
            {"chunking_strategy": {"type": "server_vad", "threshold": 2}},
            "chunking_strategy[threshold]",
            "0 to 1",
        ),
        ({"known_speaker_names": ["Ada"]}, "known_speaker_references", "one each"),
        (
            {"known_speaker_names": ["Ada"], "known_speaker_references": [data_uri(wav(1))]},
            "known_speaker_references",
            "at least 2 s",
        ),
        (
            {"known_speaker_names": ["Ada"], "known_speaker_references": ["data:,x"]},
            "known_speaker_references",
            "recording",
        ),
        (
            {"known_speaker_names": ["SPEAKER_00"], "known_speaker_references": [CLIP]},
            "known_speaker_names",
            "unknown speakers",
        ),
        ({"languages": ["en", "de"]}, "languages", "name one"),
        ({"file": ("x.wav", b"")}, "file", "empty"),
        ({"file": ("x.wav", b"not audio at all")}, "file", "recording"),
        ({"extra_body": {"num_speakers": "0"}}, "num_speakers", "minimum"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    client: OpenAI, fields: dict[str, Any], param: str, says: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        transcribe(client, **fields)
    error = raised.value
    assert error.param == param
    assert error.type == "invalid_request_error"
    assert error.code == ("model_not_found" if param == "model" and fields["model"] else error.code)
    assert error.code
    assert says in error.message


def test_without_a_file_it_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.post(
            "/audio/transcriptions",
            cast_to=object,
            body={"model": "whisper-1"},
            files=[("other", ("x.wav", WAV))],
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
    assert raised.value.param in {"file", "other"}


def test_a_wrong_token(stack: RunningStack) -> None:
    with OpenAI(base_url=f"{stack.url}/v1", api_key="wrong", max_retries=0) as client:
        for ask in (lambda: transcribe(client), client.models.list):
            with pytest.raises(openai.AuthenticationError) as raised:
                ask()
            assert (raised.value.code, raised.value.type) == (
                "invalid_api_key",
                "authentication_error",
            )


def ids(client: OpenAI) -> set[str]:
    """Of the newest predictions."""
    found: Any = client.get("/predictions", cast_to=object)
    return {prediction["id"] for prediction in found["results"]}


def test_a_run_that_fails_is_told_once(stack: RunningStack) -> None:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token) as client:  # it would retry
        before = ids(client)
        with pytest.raises(openai.InternalServerError) as raised:
            transcribe(client, prompt="fail=no idea")
        after = ids(client)
    assert "no idea" in raised.value.message
    assert raised.value.type == "server_error"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(after - before) == 1


# Patience


@pytest.mark.slow
def test_past_its_limit_the_door_says_where_the_result_will_be(stack: RunningStack) -> None:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token) as client:
        with pytest.raises(openai.InternalServerError) as raised:
            transcribe(client, prompt=f"talk sleep={SYNC_SECONDS + 1}")
        assert raised.value.status_code == 504
        assert raised.value.code == "still_running"
        headers = raised.value.response.headers
        assert headers["x-should-retry"] == "false"
        assert headers["x-prediction-id"] in raised.value.message
        deadline = time.monotonic() + 30
        while True:
            try:
                path = f"/predictions/{headers['x-prediction-id']}/output?format=verbose_json"
                found = client.get(path, cast_to=object)
                break
            except openai.ConflictError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert found["text"] == TEXT  # type: ignore[index]


# Sizes


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_uploads(client: OpenAI, size: int, tmp_path: Path) -> None:
    check_upload(client, size, tmp_path)


@pytest.mark.slow
def test_an_upload_of_200_megabytes(client: OpenAI, tmp_path: Path) -> None:
    check_upload(client, 200_000_000, tmp_path)


def check_upload(client: OpenAI, size: int, folder: Path) -> None:
    path = folder / "long.wav"
    path.write_bytes(wav((size - 44) / 2 / 16_000))
    assert abs(path.stat().st_size - size) < 10
    answer = client.audio.transcriptions.with_raw_response.create(file=path, model="whisper-1")
    prediction = record(client, answer.headers["x-prediction-id"])
    assert prediction["output"]["warnings"] == [f"{path.stat().st_size} bytes"]


# Home Assistant


@pytest.mark.parametrize("stream", [True, False])
async def test_wyoming_openai(stack: RunningStack, stream: bool) -> None:
    """The request of the adapter `wyoming-openai` 0.8, as its source makes it: Python 3.12 is
    needed to run it. It reads deltas, or the text.
    """
    recording = io.BytesIO(WAV)
    recording.name = "recording.wav"
    fields: dict[str, Any] = {"language": "en", "temperature": 0.0, "response_format": "json"}
    if stream:
        fields["stream"] = True
    async with AsyncOpenAI(base_url=f"{stack.url}/v1", api_key=stack.token) as client:
        answer: Any = await client.audio.transcriptions.create(
            file=recording, model="whisper-1", prompt="talk", **fields
        )
        if not stream:
            assert answer.text == TEXT
            return
        heard = [e.delta async for e in answer if e.type == "transcript.text.delta"]
        assert "".join(heard) == TEXT
