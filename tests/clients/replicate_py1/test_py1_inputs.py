"""Replicate's client for Python, version 1: files, refusals and streams."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ReplicateError

from tests.clients.helpers import MODEL, asked, data_uri, expected_output, wav
from tests.clients.replicate_py1.conftest import connected, create, finished
from tests.conftest import RunningStack


def test_the_account_and_the_webhook_secret_are_told(client: Client) -> None:
    assert client.accounts.current().username == MODEL.partition("/")[0]
    assert client.webhooks.default.secret().key.startswith("whsec_")


def test_an_open_file_and_a_buffer_are_uploaded_and_used(client: Client, recording: Path) -> None:
    size = recording.stat().st_size
    with recording.open("rb") as file:
        output = client.run(MODEL, input=asked() | {"audio_file": file})
    assert output == expected_output(size=size)
    buffer = io.BytesIO(recording.read_bytes())
    output = client.run(MODEL, input=asked() | {"audio_file": buffer})
    assert output == expected_output(size=size)


def test_a_file_of_more_than_25_mb_is_uploaded_and_used(client: Client) -> None:
    content = wav(850)
    assert len(content) > 25 << 20
    output = client.run(MODEL, input=asked() | {"audio_file": io.BytesIO(content)})
    assert output == expected_output(size=len(content))


def test_a_data_uri_of_5_mb_is_accepted(client: Client) -> None:
    content = wav(120)
    uri = data_uri(content)
    assert len(uri) > 5_000_000
    prediction = client.predictions.create(model=MODEL, input=asked() | {"audio_file": uri})
    ended = finished(prediction)
    assert (ended.output or {})["warnings"] == [f"{len(content)} bytes"]
    assert ended.input is not None
    assert ended.input["audio_file"] == f"data:audio/wav ({len(content)} bytes)"


def test_a_file_may_be_encoded_by_the_client(client: Client, recording: Path) -> None:
    with recording.open("rb") as file:
        output = client.run(
            MODEL, input=asked() | {"audio_file": file}, file_encoding_strategy="base64"
        )
    assert output == expected_output()


def test_files_are_described_listed_and_deleted(client: Client, recording: Path) -> None:
    uploaded = client.files.create(recording, metadata={"kind": "speech"})
    assert uploaded.name == "speech.wav"
    assert uploaded.size == recording.stat().st_size
    assert uploaded.metadata == {"kind": "speech"}
    assert client.files.get(uploaded.id) == uploaded
    assert uploaded.id in {file.id for file in client.files.list()}
    assert client.files.delete(uploaded.id) is True
    assert uploaded.id not in {file.id for file in client.files.list()}
    with pytest.raises(ReplicateError) as caught:
        client.files.get(uploaded.id)
    assert caught.value.status == 404


@pytest.mark.parametrize("token", ["wrong-token", "a-token-for-test", "a-token-for-tests2"])
def test_a_wrong_token_is_told_as_such(stack: RunningStack, token: str) -> None:
    with connected(stack.url, token) as client, pytest.raises(ReplicateError) as caught:
        client.run(MODEL, input=asked())
    assert caught.value.status == 401
    assert "token" in (caught.value.detail or "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"audio_file": None}, "recording is required"),
        ({"vad_onset": 3}, "vad_onset: 3 is more than the maximum"),
        ({"bogus": 1}, "bogus: unknown input"),
    ],
)
def test_bad_input_is_explained(client: Client, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ReplicateError) as caught:
        client.run(MODEL, input=asked() | changes)
    assert caught.value.status == 422
    assert words in (caught.value.detail or "")


@pytest.mark.parametrize("webhook", ["not a url", "ftp://example.com/hook", "http://10.0.0.1/hook"])
def test_a_bad_webhook_is_refused(client: Client, version: str, webhook: str) -> None:
    with pytest.raises(ReplicateError) as caught:
        create(client, version, webhook=webhook)
    assert caught.value.status == 422
    assert "webhook" in (caught.value.detail or "")


def test_null_inputs_are_dropped(client: Client) -> None:
    inputs = asked() | {"language": None, "num_speakers": None, "audio": None}
    prediction = client.predictions.create(model=MODEL, input=inputs)
    assert finished(prediction).output == expected_output()
    assert set(prediction.input or {}) == {"audio_file"}  # an empty prompt is none


def test_a_stream_tells_logs_output_and_end(client: Client) -> None:
    events = list(client.stream(MODEL, input=asked("logs=6")))
    kinds = [event.event.value for event in events]
    assert kinds[-2:] == ["output", "done"]
    assert set(kinds[:-2]) == {"logs"}
    logs = "".join(event.data for event in events[:-2])
    assert logs.startswith("began\n")
    assert logs.rstrip().endswith("6/6")
    assert json.loads(events[-2].data) == expected_output("logs=6")


def test_a_stream_carries_every_character(client: Client) -> None:
    text = "separators \u2028 \u2029 \x85 \x0b \r of lines"
    events = list(client.stream(MODEL, input=asked(text)))
    (output,) = (event.data for event in events if event.event.value == "output")
    assert json.loads(output) == expected_output(text)


def test_a_stream_of_a_failing_run_raises(client: Client) -> None:
    with pytest.raises(RuntimeError, match="no speech on Sundays"):
        list(client.stream(MODEL, input=asked("fail=no speech on Sundays")))


@pytest.mark.slow
def test_a_stream_outlives_a_long_silence(client: Client) -> None:
    events = list(client.stream(MODEL, input=asked("sleep=40")))
    assert [event.event.value for event in events] == ["logs", "output", "done"]


def test_the_base_url_may_end_in_v1(stack: RunningStack, version: str) -> None:
    with connected(f"{stack.url}/v1", stack.token) as client:
        assert client.run(f"{MODEL}:{version}", input=asked()) == expected_output()
