"""OpenAI's client for Python: fields, models and errors."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.clients.helpers import WAV, data_uri, wav
from tests.clients.openai_py.conftest import CLIP, SPOKEN, TEXT, ids, record, transcribe
from tests.conftest import RunningStack

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
        ({"include": ["item.text"]}, "include", "logprobs"),
        ({"include": ["logprobs"], "response_format": "verbose_json"}, "include", "json"),
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
        ({"model": "gpt-99", "include": ["item.text"]}, "model", "demo"),
        ({"model": "gpt-99", "languages": ["en", "de"]}, "model", "demo"),
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
