"""The coming Python client (a pre-release), unchanged, in an environment of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.helpers import MODEL, URI, Api, cutting, expected_output, wav
from tests.clients.versions import REPLICATE_PY2, wanted
from tests.conftest import RunningStack

pytestmark = pytest.mark.slow  # installs the client

PRELUDE = f"""
import json, sys, time
from pathlib import Path
import replicate
from replicate import Replicate

MODEL, URI = {MODEL!r}, {URI!r}
recording = Path(sys.argv[1])
client = Replicate()

def asked(wishes="", **more):
    return {{"audio_file": URI, "initial_prompt": wishes, **more}}

def until(prediction, *statuses):
    while prediction.status not in statuses:
        time.sleep(0.05)
        prediction = client.predictions.get(prediction_id=prediction.id)
    return prediction

def finished(prediction):
    return until(prediction, "succeeded", "failed", "canceled")

def raised(call, **arguments):
    try:
        call(**arguments)
    except Exception as error:
        return [type(error).__name__, str(error)]

owner, name = MODEL.split("/")
version = client.models.get(model_owner=owner, model_name=name).latest_version.id
"""
Script = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replicate-2")
    install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
    subprocess.run(
        [*install, *wanted(REPLICATE_PY2)], check=True, timeout=110, stderr=subprocess.DEVNULL
    )
    return folder


@pytest.fixture
def script(stack: RunningStack, packages: Path, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    async def run(code: str, url: str = "", token: str = "") -> Any:
        environ = {
            **os.environ,
            "PYTHONPATH": str(packages),
            "REPLICATE_API_TOKEN": token or stack.token,
            "REPLICATE_BASE_URL": f"{url or stack.url}/v1",
        }
        program = f"{PRELUDE}\n{dedent(code)}\nprint(json.dumps(result))"
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "ignore", "-c", program, str(recording)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


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
        told = cancel(prediction_id=queued.id)
        asked_for = cancel(prediction_id=running.id)
        after = finished(client.predictions.create(version=version, input=asked()))
        again = cancel(prediction_id=after.id)
        result = [told.status, asked_for.id == running.id, finished(running).status,
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


async def test_the_list_goes_on_over_its_pages(script: Script, api: Api) -> None:
    moment = datetime.now(UTC)
    created = [(await api.create())["id"] for _ in range(120)]
    for prediction_id in created:
        await api.cancel(prediction_id)
    listed = await script(
        f"""
        found = client.predictions.list(created_after={moment.isoformat()!r})
        result = [p.id for p in found]
        """
    )
    assert listed == created[::-1]


async def test_the_account_and_the_webhook_secret_are_told(script: Script) -> None:
    username, key, versions, schema = await script(
        """
        listed = client.models.versions.list(model_owner=owner, model_name=name)
        got = client.models.versions.get(version_id=version, model_owner=owner, model_name=name)
        result = [client.account.get().username, client.webhooks.default.secret.get().key,
                  [v.id for v in listed] == [version], sorted(got.openapi_schema["components"])]
        """
    )
    assert username == MODEL.partition("/")[0]
    assert key.startswith("whsec_")
    assert versions is True
    assert schema == ["schemas"]


async def test_files_are_uploaded_used_described_and_deleted(
    script: Script, recording: Path
) -> None:
    used, large, described, listed, deleted, gone = await script(
        f"""
        import io
        uploaded = client.files.create(content=recording.read_bytes(), filename="speech.wav",
                                       type="audio/wav", metadata={{"kind": "speech"}})
        got = client.files.get(file_id=uploaded.id)
        described = [got.name, got.size, got.content_type, got.metadata]
        listed = uploaded.id in [file.id for file in client.files.list()]
        used = [
            client.run(MODEL, input=asked() | {{"audio_file": uploaded.urls.get}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording.open("rb")}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording.open("rb")}},
                       file_encoding_strategy="base64"),
        ]
        content = io.BytesIO({wav(1)[:44]!r} + bytes(30_000_000))
        large = client.run(MODEL, input=asked() | {{"audio_file": content}})["warnings"]
        client.files.delete(file_id=uploaded.id)
        gone = raised(client.files.get, file_id=uploaded.id)[0]
        result = [used, large, described, listed,
                  uploaded.id not in [file.id for file in client.files.list()], gone]
        """
    )
    assert used == [expected_output()] * 4
    assert large == ["30000044 bytes"]
    assert described == ["speech.wav", recording.stat().st_size, "audio/wav", {"kind": "speech"}]
    assert listed is True
    assert deleted is True
    assert gone == "NotFoundError"


async def test_a_retry_after_a_lost_answer_joins_the_job(
    script: Script, stack: RunningStack, api: Api
) -> None:
    """The client sends the request again, marked as a retry: one job, not two."""
    moment, wishes = datetime.now(UTC), f"once {uuid4().hex}"
    async with cutting(stack.url) as proxy:
        prediction_id = await script(
            f"""
            slow = Replicate(base_url={proxy!r} + "/v1")
            result = slow.predictions.create(version=version, input=asked({wishes!r})).id
            """
        )
    listed = await api.call("GET", "/v1/predictions", params={"created_after": moment.isoformat()})
    same = [p["id"] for p in listed.body["results"] if p["input"]["initial_prompt"] == wishes]
    assert same == [prediction_id]
