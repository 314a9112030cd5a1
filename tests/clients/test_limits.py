"""Limits, on a stack of its own."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.clients.helpers import (
    MIB,
    PREDICTOR,
    Api,
    asked,
    data_uri,
    eventually,
    expected_output,
    upload,
)
from tests.conftest import RunningStack, start_stack, stop_stack

PUBLIC_URL = "https://speech.example/base"


@pytest.fixture(scope="module")
def narrow_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = start_stack(
        tmp_path_factory.mktemp("narrow"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        QUEUE_LIMIT="2",
        MAX_RUN_SECONDS="2",
        RESULT_TTL="3",
        FILE_TTL="2",
        FILES_QUOTA_BYTES=str(8 * MIB),
        MAX_FILE_BYTES=str(4 * MIB),
        PUBLIC_URL=PUBLIC_URL,
        ALLOWED_PRIVATE_HOSTS="",
    )
    yield running
    stop_stack(running)


@pytest.fixture
async def narrow(narrow_stack: RunningStack) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, narrow_stack)


async def test_a_full_queue_is_told_as_such(narrow: Api) -> None:
    created = [await narrow.create("sleep=1") for _ in range(2)]
    answer = await narrow.call("POST", "/v1/predictions", json={"input": asked()})
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert isinstance(answer.body["detail"], str)
    for prediction in created:
        assert (await narrow.finish(prediction["id"]))["status"] == "succeeded"
    assert (await narrow.create("", {"Prefer": "wait"}))["status"] == "succeeded"


async def test_a_full_queue_is_full_for_a_crowd_too(narrow: Api) -> None:
    body = {"input": asked("sleep=1")}
    answers = await asyncio.gather(
        *(narrow.call("POST", "/v1/predictions", json=body) for _ in range(12))
    )
    accepted = [answer.body["id"] for answer in answers if answer.status == 201]
    for prediction_id in accepted:
        await narrow.cancel(prediction_id)
        await narrow.finish(prediction_id)
    assert sorted(answer.status for answer in answers) == [201] * 2 + [429] * 10


async def test_a_run_that_takes_too_long_fails_and_frees_the_slot(narrow: Api) -> None:
    created = await narrow.create("sleep=60")
    ended = await narrow.finish(created["id"], 20)
    assert ended["status"] == "failed"
    assert ended["error"] == "It ran longer than 2 seconds and was stopped."
    assert ended["output"] is None
    assert (await narrow.create("", {"Prefer": "wait=20"}))["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_run_that_does_not_heed_its_cancel_gets_the_predictor_restarted(
    api: Api, stack: RunningStack
) -> None:
    before = stack.pid("cog")
    created = await api.create("stubborn=600")
    await api.until(created["id"], ["processing"])
    await api.cancel(created["id"])
    ended = await api.finish(created["id"], 150)
    assert ended["status"] == "canceled"
    await eventually(lambda: stack.pid("cog") != before, "a new predictor", 60)
    assert (await api.create("", {"Prefer": "wait=50"}))["status"] == "succeeded"


@pytest.mark.slow
async def test_a_run_that_does_not_stop_gets_the_predictor_restarted(
    narrow: Api, narrow_stack: RunningStack
) -> None:
    before = narrow_stack.pid("cog")
    created = await narrow.create("stubborn=300")
    ended = await narrow.finish(created["id"], 60)
    assert ended["error"] == "It ran longer than 2 seconds and was stopped."
    await eventually(lambda: narrow_stack.pid("cog") != before, "a new predictor", 60)
    assert (await narrow.create("", {"Prefer": "wait=50"}))["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_recording_that_kills_its_worker_each_time_fails_and_the_next_one_runs(
    api: Api,
) -> None:
    deadly = await api.create("die")
    harmless = await api.create("after it")
    ended = await api.finish(deadly["id"], 150)
    assert (ended["status"], ended["output"]) == ("failed", None)
    assert ended["error"] == "The worker was lost 3 times while it ran this prediction."
    assert (await api.finish(harmless["id"], 60))["status"] == "succeeded"


async def test_the_operators_address_shapes_all_links(narrow: Api) -> None:
    created = await narrow.create("", {"Prefer": "wait", "X-Forwarded-Host": "elsewhere.example"})
    for url in created["urls"].values():
        assert url.startswith(f"{PUBLIC_URL}/v1/predictions/{created['id']}")
    uploaded = await upload(narrow)
    assert uploaded["urls"]["get"].startswith(f"{PUBLIC_URL}/v1/files/")
    body = {"input": {"audio_file": uploaded["urls"]["get"]}}
    answer = await narrow.call("POST", "/v1/predictions", {"Prefer": "wait"}, json=body)
    assert answer.body["output"] == expected_output(), "our own link needs no way back to us"


async def test_an_uploaded_file_expires(narrow: Api) -> None:
    uploaded = await upload(narrow)
    link = uploaded["urls"]["get"].replace(PUBLIC_URL, narrow.stack.url)
    assert (await narrow.call("GET", link)).status == 200
    async with asyncio.timeout(10):
        while (await narrow.call("GET", f"/v1/files/{uploaded['id']}")).status != 404:
            await asyncio.sleep(0.1)
    assert uploaded["id"] not in str((await narrow.call("GET", "/v1/files")).body)
    assert (await narrow.call("GET", link)).status == 403
    body = {"input": {"audio_file": uploaded["urls"]["get"]}}
    assert (await narrow.call("POST", "/v1/predictions", json=body)).status == 422


async def test_a_result_expires(narrow: Api) -> None:
    created = await narrow.create("", {"Prefer": "wait"})
    path = f"/v1/predictions/{created['id']}"
    assert (await narrow.call("GET", path)).status == 200
    async with asyncio.timeout(10):
        while (await narrow.call("GET", path)).status == 200:
            await asyncio.sleep(0.1)
    assert (await narrow.call("GET", path)).status == 404
    assert created["id"] not in str((await narrow.call("GET", "/v1/predictions")).body)


async def test_a_file_that_is_too_large_is_refused(narrow: Api) -> None:
    form = aiohttp.FormData()
    form.add_field("content", io.BytesIO(bytes(4 * MIB + 1)), filename="big.wav")
    answer = await narrow.call("POST", "/v1/files", data=form)
    assert answer.status == 413
    assert isinstance(answer.body["detail"], str)
    uri = data_uri(bytes(4 * MIB + 1))
    answer = await narrow.call(
        "POST", "/v1/predictions", json={"input": asked() | {"audio_file": uri}}
    )
    assert answer.status == 413


async def test_a_disk_quota_that_is_used_up_is_told(narrow: Api) -> None:
    kept = [await upload(narrow, bytes(3 * MIB)) for _ in range(2)]
    form = aiohttp.FormData()
    form.add_field("content", io.BytesIO(bytes(3 * MIB)), filename="one-too-many.wav")
    answer = await narrow.call("POST", "/v1/files", data=form)
    assert answer.status == 507
    assert isinstance(answer.body["detail"], str)
    for uploaded in kept:
        assert (await narrow.call("DELETE", f"/v1/files/{uploaded['id']}")).status == 204
    await upload(narrow, bytes(3 * MIB))


async def test_no_private_address_is_called(narrow: Api) -> None:
    for url in ("http://127.0.0.1:1/a.wav", "http://localhost/a.wav", "http://10.0.0.1/a.wav"):
        for body in ({"input": {"audio_file": url}}, {"input": asked(), "webhook": url}):
            answer = await narrow.call("POST", "/v1/predictions", json=body)
            assert answer.status == 422
            assert "private" in answer.body["detail"]
