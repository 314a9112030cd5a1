"""The same request sent twice."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.clients.helpers import (
    Api,
    asked,
    created_since,
    expected_output,
    new_id,
)
from tests.conftest import RunningStack


async def test_put_creates_once(api: Api) -> None:
    prediction_id = new_id()
    path, body = f"/v1/predictions/{prediction_id}", {"input": asked("logs=3")}
    first, second = await asyncio.gather(*(api.call("PUT", path, json=body) for _ in range(2)))
    assert {first.status, second.status} == {201}
    assert first.body["id"] == second.body["id"] == prediction_id
    ended = await api.finish(prediction_id)
    assert ended["logs"].count("began") == 1
    again = await api.call("PUT", path, json=body)
    assert again.body == ended, "the end is what a later repetition gets"


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_an_id_with_another_body_is_a_conflict(api: Api, method: str) -> None:
    prediction_id = new_id()
    path = f"/v1/predictions/{prediction_id}" if method == "PUT" else "/v1/predictions"
    first = await api.call(method, path, json={"id": prediction_id, "input": asked("a")})
    assert first.status == 201
    other = await api.call(method, path, json={"id": prediction_id, "input": asked("b")})
    assert other.status == 409
    assert other.headers["x-should-retry"] == "false"
    assert isinstance(other.body["detail"], str)
    assert (await api.finish(prediction_id))["output"] == expected_output("a")


async def test_an_idempotency_key_makes_one_job_of_many_requests(api: Api) -> None:
    key, moment = {"Idempotency-Key": new_id()}, datetime.now(UTC)
    created = await asyncio.gather(*(api.create("logs=3", key) for _ in range(5)))
    assert len({prediction["id"] for prediction in created}) == 1
    assert await created_since(api, moment) == {created[0]["id"]}
    assert (await api.create("logs=3", key))["id"] == created[0]["id"]
    other = await api.create("logs=3", {"Idempotency-Key": new_id()})
    assert other["id"] != created[0]["id"]


async def test_a_marked_retry_joins_the_job_and_an_unmarked_one_does_not(api: Api) -> None:
    wishes, retry = f"sleep=1 {new_id()}", {"x-stainless-retry-count": "1"}
    first = await api.create(wishes, {"x-stainless-retry-count": "0"})
    assert (await api.create(wishes, retry))["id"] == first["id"]
    assert (await api.create(wishes + "!", retry))["id"] != first["id"], "another body"
    second = await api.create(wishes)
    assert second["id"] != first["id"], "a client may ask the same twice"
    assert (await api.create(wishes, retry))["id"] == second["id"], "the newest is joined"
    for created in (first, second):
        await api.cancel(created["id"])


async def test_a_retry_whose_first_try_never_arrived_is_a_new_job(api: Api) -> None:
    created = await api.create(f"retry {new_id()}", {"x-stainless-retry-count": "2"})
    assert (await api.finish(created["id"]))["status"] == "succeeded"


async def test_a_key_of_one_token_is_not_that_of_another(
    api: Api, stack: RunningStack, other_token: str
) -> None:
    key = new_id()
    first = await api.create("", {"Idempotency-Key": key})
    other = {"Idempotency-Key": key, "Authorization": f"Bearer {other_token}"}
    assert (await api.create("", other))["id"] != first["id"]
