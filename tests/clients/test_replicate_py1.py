"""Replicate's stable Python client, unchanged, against the running stack."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.prediction import Prediction

from tests.clients.helpers import MODEL, asked, data_uri, expected_output, wav
from tests.conftest import RunningStack, wait_until

SLOTS_FREE = "the predictor is free for the next one"


@contextlib.contextmanager
def connected(url: str, token: str) -> Iterator[Client]:
    client = Client(api_token=token, base_url=url)
    yield client
    client._client.close()


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[Client]:
    with connected(stack.url, stack.token) as opened:
        yield opened


@pytest.fixture(scope="module")
def version(client: Client) -> str:
    latest = client.models.get(MODEL).latest_version
    assert latest is not None
    return str(latest.id)


def create(client: Client, version: str, wishes: str = "", **params: Any) -> Prediction:
    return client.predictions.create(version=version, input=asked(wishes), **params)


def until(prediction: Prediction, *statuses: str) -> Prediction:
    def reached() -> bool:
        prediction.reload()
        return prediction.status in statuses

    wait_until(reached, f"the prediction is {' or '.join(statuses)}")
    return prediction


def finished(prediction: Prediction) -> Prediction:
    return until(prediction, "succeeded", "failed", "canceled")


def test_run_returns_the_output(client: Client) -> None:
    assert client.run(MODEL, input=asked("hi")) == expected_output("hi")


def test_run_with_a_version_returns_the_output(client: Client, version: str) -> None:
    assert client.run(f"{MODEL}:{version}", input=asked()) == expected_output()


def test_run_of_a_job_longer_than_the_wait_returns_the_output(client: Client) -> None:
    assert client.run(MODEL, input=asked("sleep=3"), wait=1) == expected_output("sleep=3")


def test_run_that_polls_from_the_start_returns_the_output(client: Client) -> None:
    assert client.run(MODEL, input=asked("sleep=1"), wait=False) == expected_output("sleep=1")


def test_create_returns_at_once_and_the_record_follows_the_run(
    client: Client, version: str
) -> None:
    began = time.monotonic()
    prediction = create(client, version, "logs=8")
    assert time.monotonic() - began < 1.0
    assert (prediction.status, prediction.output, prediction.error) == ("starting", None, None)
    assert prediction.started_at is None
    assert prediction.model == MODEL
    assert prediction.version == version
    assert prediction.urls is not None
    assert set(prediction.urls) >= {"get", "cancel", "stream"}
    until(prediction, "processing")
    assert prediction.started_at is not None
    assert prediction.completed_at is None
    wait_until(lambda: prediction.reload() or prediction.progress, "the client sees progress", 10)
    prediction.wait()
    assert prediction.status == "succeeded"
    assert prediction.output == expected_output("logs=8")
    assert prediction.progress is not None
    assert prediction.progress.percentage == 1.0
    assert prediction.created_at is not None
    assert prediction.completed_at is not None
    assert prediction.created_at < prediction.started_at < prediction.completed_at
    assert prediction.metrics is not None
    assert 0.8 <= prediction.metrics["predict_time"] <= prediction.metrics["total_time"]


def test_the_model_may_be_named_in_any_way(client: Client, version: str) -> None:
    named: list[dict[str, Any]] = [
        {"version": f"{MODEL}:{version}"},
        {"version": MODEL},
        {"model": MODEL},
        {"deployment": MODEL},
    ]
    for names in named:
        prediction = client.predictions.create(**{"input": asked(), **names})
        assert finished(prediction).output == expected_output()


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ({"version": "0" * 64}, 422),
        ({"version": f"{MODEL}:{'0' * 64}"}, 422),
        ({"model": "somebody/else"}, 404),
        ({"deployment": "somebody/else"}, 404),
    ],
)
def test_what_is_not_served_is_refused(client: Client, names: dict[str, Any], status: int) -> None:
    with pytest.raises(ReplicateError) as caught:
        client.predictions.create(**{"input": asked(), **names})
    assert caught.value.status == status
    assert "this service" in (caught.value.detail or "") or MODEL in (caught.value.detail or "")


def test_a_failing_run_raises_the_predictors_message(client: Client) -> None:
    with pytest.raises(ModelError, match="no speech on Sundays") as caught:
        client.run(MODEL, input=asked("fail=no speech on Sundays"))
    prediction = caught.value.prediction
    assert prediction.status == "failed"
    assert prediction.error == "no speech on Sundays"
    assert prediction.output is None
    assert prediction.logs == "began\n"


def test_a_running_prediction_is_canceled_and_frees_the_slot(client: Client, version: str) -> None:
    prediction = until(create(client, version, "sleep=60"), "processing")
    prediction.cancel()
    assert prediction.id
    assert until(prediction, "canceled").output is None
    began = time.monotonic()
    assert finished(create(client, version)).status == "succeeded"
    assert time.monotonic() - began < 10, SLOTS_FREE


def test_a_queued_prediction_is_canceled_and_never_runs(client: Client, version: str) -> None:
    running = until(create(client, version, "sleep=60"), "processing")
    queued = create(client, version)
    queued.cancel()
    assert queued.status == "canceled"
    running.cancel()
    assert finished(create(client, version)).status == "succeeded"
    queued.reload()
    assert (queued.status, queued.started_at, queued.logs) == ("canceled", None, "")


def test_canceling_what_has_ended_changes_nothing(client: Client, version: str) -> None:
    prediction = finished(create(client, version))
    before = prediction.dict()
    prediction.cancel()
    assert prediction.dict() == before
    assert prediction.status == "succeeded"


def test_an_unknown_prediction_is_not_found(client: Client) -> None:
    for call in (client.predictions.get, client.predictions.cancel):
        with pytest.raises(ReplicateError) as caught:
            call("no-such-prediction")
        assert caught.value.status == 404
        assert "no prediction" in (caught.value.detail or "")


def test_many_at_once_are_all_accepted_and_run_in_turn(client: Client, version: str) -> None:
    with ThreadPoolExecutor(5) as pool:
        created = list(pool.map(lambda _: create(client, version, "logs=2"), range(5)))
    ended = [finished(prediction) for prediction in created]
    assert [prediction.status for prediction in ended] == ["succeeded"] * 5
    runs = sorted((p.started_at or "", p.completed_at or "") for p in ended)
    for (_, end), (start, _) in pairwise(runs):
        assert end <= start, "one slot runs one prediction at a time"


def test_one_after_another_they_run_in_the_order_of_their_creation(
    client: Client, version: str
) -> None:
    blocker = until(create(client, version, "sleep=60"), "processing")
    created = [create(client, version) for _ in range(5)]
    blocker.cancel()
    starts = [finished(prediction).started_at or "" for prediction in created]
    assert starts == sorted(starts)
    assert len(set(starts)) == 5


def test_the_list_has_every_prediction_once_newest_first(client: Client, version: str) -> None:
    blocker = until(create(client, version, "sleep=60"), "processing")
    with ThreadPoolExecutor(4) as pool:
        ids = {p.id for p in pool.map(lambda _: create(client, version), range(120))}
        list(pool.map(client.predictions.cancel, ids))
    blocker.cancel()
    pages = []
    page = client.predictions.list()
    while True:
        pages.append(page)
        if page.next is None:
            break
        assert page.next.startswith("http://")
        page = client.predictions.list(page.next)
    assert [len(page.results) for page in pages[:-1]] == [100] * (len(pages) - 1)
    assert 1 <= len(pages[-1].results) <= 100
    listed = [prediction for page in pages for prediction in page.results]
    assert len({p.id for p in listed}) == len(listed)
    assert ids <= {p.id for p in listed}
    times = [p.created_at or "" for p in listed]
    assert times == sorted(times, reverse=True)


def test_the_model_and_its_version_are_described(client: Client, version: str) -> None:
    model = client.models.get(MODEL)
    assert f"{model.owner}/{model.name}" == MODEL
    assert model.visibility == "private"
    assert [listed.id for listed in model.versions.list()] == [version]
    schema = model.versions.get(version).openapi_schema["components"]["schemas"]
    assert {"audio_file", "language", "diarization"} <= schema["Input"]["properties"].keys()
    assert "segments" in schema["Output"]["properties"]
    with pytest.raises(ReplicateError) as caught:
        client.models.get("somebody/else")
    assert caught.value.status == 404


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
    assert set(prediction.input or {}) == {"audio_file", "initial_prompt"}


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
