"""Replicate's client for Python, version 1: predictions."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

from tests.clients.helpers import MODEL, asked, expected_output
from tests.clients.replicate_py1.conftest import SLOTS_FREE, create, finished, until
from tests.conftest import wait_until


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
