"""Predictions that are canceled or deleted."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from tests.clients.helpers import (
    Api,
    asked,
    created_since,
    eventually,
)
from tests.conftest import RunningStack


@pytest.mark.slow
async def test_cancel_after_ends_it_when_its_time_has_come(api: Api) -> None:
    created = await api.create("sleep=60", {"Cancel-After": "5s"})
    given = datetime.fromisoformat(created["deadline"])
    assert (given - datetime.fromisoformat(created["created_at"])).total_seconds() == 5
    ended = await api.finish(created["id"], 20)
    assert ended["status"] == "canceled"
    assert given <= datetime.fromisoformat(ended["completed_at"])


@pytest.mark.parametrize("value", ["soon", "1s", "-5s", "5", "25h", "46534169766078h", ""])
async def test_a_cancel_after_that_makes_no_sense_is_refused(api: Api, value: str) -> None:
    answer = await api.call(
        "POST", "/v1/predictions", {"Cancel-After": value}, json={"input": asked()}
    )
    assert answer.status == 400
    assert "Cancel-After" in answer.body["detail"]


async def test_cancel_right_after_create_frees_the_slot(api: Api) -> None:
    for _ in range(3):
        created = await api.create("sleep=60")
        assert (await api.cancel(created["id"]))["status"] in ("canceled", "processing")
        assert (await api.finish(created["id"]))["status"] == "canceled"
    assert (await api.create("", {"Prefer": "wait=20"}))["status"] == "succeeded"


def recordings(stack: RunningStack) -> set[str]:
    """Recordings of predictions on the disk; uploads to /v1/files have names of their own."""
    files = (stack.state_dir / "files").iterdir()
    return {path.name for path in files if not path.name.startswith(("file-", "."))}


async def test_delete_stops_and_erases_record_and_recording(api: Api, stack: RunningStack) -> None:
    kept = recordings(stack)
    created = await api.create("sleep=60")
    await api.until(created["id"], ["processing"])
    assert recordings(stack) - kept
    path = f"/v1/predictions/{created['id']}"
    moment = datetime.fromisoformat(created["created_at"])
    assert (await api.call("DELETE", path)).status == 204
    assert recordings(stack) <= kept
    assert (await api.call("GET", path)).status == 404
    assert (await api.call("DELETE", path)).status == 404
    assert (await api.call("POST", f"{path}/cancel")).status == 404
    assert await created_since(api, moment) == set()
    assert (await api.create("", {"Prefer": "wait=20"}))["status"] == "succeeded", "it was stopped"


async def test_delete_of_what_has_ended(api: Api) -> None:
    ended = await api.create("", {"Prefer": "wait"})
    path = f"/v1/predictions/{ended['id']}"
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.call("GET", path)).status == 404


async def test_delete_of_what_waits_keeps_it_from_running(
    api: Api, busy: Callable[[], Awaitable[object]]
) -> None:
    queued = await api.create("sleep=60")
    path = f"/v1/predictions/{queued['id']}"
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.call("GET", path)).status == 404
    await busy()
    assert (await api.create("", {"Prefer": "wait=20"}))["status"] == "succeeded"


async def test_the_recording_is_gone_when_the_job_has_ended(api: Api, stack: RunningStack) -> None:
    for wishes in ("", "fail=now"):
        created = await api.create(wishes)
        await api.finish(created["id"])
    await eventually(lambda: not recordings(stack), "no recording is left", 10)
