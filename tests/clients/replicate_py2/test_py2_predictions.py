"""Replicate's client for Python, version 2: predictions."""

import pytest

from tests.clients.helpers import expected_output
from tests.clients.replicate_py2.conftest import Script

pytestmark = pytest.mark.slow  # installs the client


async def test_run_returns_the_output(script: Script) -> None:
    outputs = await script(
        """
        result = [
            client.run(MODEL, input=asked("hi")),
            client.run(f"{MODEL}:{version}", input=asked()),
            client.run(MODEL, input=asked("sleep=3"), wait=1),
            client.run(MODEL, input=asked("sleep=1"), wait=False),
        ]
        """
    )
    assert outputs == [expected_output(w) for w in ("hi", "", "sleep=3", "sleep=1")]


async def test_a_model_is_used_like_a_function(script: Script) -> None:
    outputs = await script(
        """
        result = [
            replicate.use(MODEL)(**asked("used")),
            replicate.use(f"{MODEL}:{version}")(**asked("used")),
        ]
        """
    )
    assert outputs == [expected_output("used")] * 2


async def test_create_returns_at_once_and_the_record_follows_the_run(script: Script) -> None:
    seconds, created, running, ended = await script(
        """
        began = time.monotonic()
        created = client.predictions.create(version=version, input=asked("logs=8"))
        seconds = time.monotonic() - began
        running = until(created, "processing")
        ended = finished(created)
        result = [seconds, *(json.loads(p.to_json()) for p in (created, running, ended))]
        """
    )
    assert seconds < 1.0
    assert created["status"] == "starting"
    assert running["started_at"]
    assert ended["output"] == expected_output("logs=8")
    assert 0.8 <= ended["metrics"]["predict_time"] <= ended["metrics"]["total_time"]
    assert created["created_at"] < running["started_at"] < ended["completed_at"]


async def test_the_model_may_be_named_in_any_way(script: Script) -> None:
    statuses = await script(
        """
        created = [
            client.predictions.create(version=named, input=asked())
            for named in (version, MODEL, f"{MODEL}:{version}")
        ]
        created.append(
            client.deployments.predictions.create(
                deployment_owner=owner, deployment_name=name, input=asked()
            )
        )
        result = [finished(p).status for p in created]
        """
    )
    assert statuses == ["succeeded"] * 4


async def test_refusals_have_their_classes_and_words(script: Script) -> None:
    found = await script(
        """
        create = client.predictions.create
        result = [
            raised(create, version="0" * 64, input=asked()),
            raised(client.run, ref="somebody/else", input=asked()),
            raised(client.predictions.get, prediction_id="no-such-id"),
            raised(client.predictions.cancel, prediction_id="no-such-id"),
            raised(create, version=MODEL, input=asked(vad_onset=3)),
            raised(create, version=MODEL, input=asked(), webhook="http://10.0.0.1/hook"),
            raised(Replicate(bearer_token="wrong-token").account.get),
        ]
        """
    )
    assert [name for name, _ in found] == [
        "UnprocessableEntityError",
        "NotFoundError",
        "NotFoundError",
        "NotFoundError",
        "UnprocessableEntityError",
        "UnprocessableEntityError",
        "AuthenticationError",
    ]
    assert "vad_onset: 3 is more than the maximum" in found[4][1]
    assert "webhook" in found[5][1]


async def test_a_failing_run_raises_the_predictors_message(script: Script) -> None:
    name, text = await script(
        'result = raised(client.run, ref=MODEL, input=asked("fail=no speech on Sundays"))'
    )
    assert name == "ModelError"
    assert "no speech on Sundays" in text


async def test_cancel_running_queued_and_ended(script: Script) -> None:
    answers = await script(
        """
        running = client.predictions.create(version=version, input=asked("sleep=60"))
        until(running, "processing")
        queued = client.predictions.create(version=version, input=asked())
        cancel = client.predictions.cancel
        canceled_one = cancel(prediction_id=queued.id)
        asked_for = cancel(prediction_id=running.id)
        after = finished(client.predictions.create(version=version, input=asked()))
        again = cancel(prediction_id=after.id)
        result = [canceled_one.status, asked_for.id == running.id, finished(running).status,
                  finished(queued).started_at, after.status, again.status]
        """
    )
    assert answers == ["canceled", True, "canceled", None, "succeeded", "succeeded"]


async def test_a_deadline_and_a_wait_may_be_given(script: Script) -> None:
    deadline, waited, ended = await script(
        """
        create = client.predictions.create
        limited = create(version=version, input=asked("sleep=60"), cancel_after="5s")
        ended = finished(limited)
        waited = create(version=version, input=asked("sleep=1"), prefer="wait=20")
        result = [limited.deadline is not None, waited.status, ended.status]
        """
    )
    assert (deadline, waited, ended) == (True, "succeeded", "canceled")


async def test_many_at_once_all_succeed(script: Script) -> None:
    statuses = await script(
        """
        created = [client.predictions.create(version=version, input=asked()) for _ in range(5)]
        ended = [finished(p) for p in created]
        starts = [p.started_at for p in ended]
        assert starts == sorted(starts)
        result = [p.status for p in ended]
        """
    )
    assert statuses == ["succeeded"] * 5
