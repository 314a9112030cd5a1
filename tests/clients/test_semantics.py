"""The API by plain HTTP: what no official client would notice before it goes wrong."""

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from tests.clients.helpers import (
    MODEL,
    PREDICTOR,
    URI,
    WAV,
    Answer,
    Api,
    Json,
    asked,
    data_uri,
    eventually,
    expected_output,
    receiving,
    wav,
)
from tests.conftest import RunningStack, start_stack, stop_stack

MIB = 1 << 20


@pytest.fixture
async def busy(api: Api) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The predictor is at work while the test runs, or until it calls this."""
    created = await api.create("sleep=60")
    await api.until(created["id"], ["processing"])
    yield lambda: api.cancel(created["id"])
    await api.cancel(created["id"])


def new_id() -> str:
    return f"test-{uuid4().hex}"


async def created_since(api: Api, moment: datetime) -> set[str]:
    """Ids of all predictions created after ``moment``."""
    query = {"created_after": moment.isoformat()}
    answer = await api.call("GET", "/v1/predictions", params=query)
    return {listed["id"] for listed in answer.body["results"]}


# Waiting for the answer


@pytest.mark.parametrize("prefer", [None, "respond-async"])
async def test_without_a_wish_to_wait_the_answer_comes_at_once(
    api: Api, prefer: str | None
) -> None:
    took = []
    for _ in range(3):  # the machine itself may pause once
        began = time.monotonic()
        created = await api.create("sleep=5", {"Prefer": prefer} if prefer else None)
        took.append(time.monotonic() - began)
        assert created["status"] == "starting"
        await api.cancel(created["id"])
    assert min(took) < 1.0


async def test_a_crowd_is_served(api: Api) -> None:
    """More requests at once than the record store has connections by default."""
    prediction_id = (await api.create("", {"Prefer": "wait"}))["id"]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        crowd = Api(session, api.stack)
        got = [crowd.call("GET", f"/v1/predictions/{prediction_id}") for _ in range(200)]
        created = [crowd.call("POST", "/v1/predictions", json={"input": {}}) for _ in range(50)]
        statuses = [answer.status for answer in await asyncio.gather(*got, *created)]
    assert statuses == [200] * 200 + [422] * 50


@pytest.mark.parametrize("seconds", [1, 2])
async def test_a_wait_that_is_too_short_is_answered_starting_in_time(
    api: Api, seconds: int
) -> None:
    async def waited() -> tuple[float, Json]:
        began = time.monotonic()
        created = await api.create(f"sleep={seconds + 1}", {"Prefer": f"wait={seconds}"})
        assert created["status"] == "starting"
        return time.monotonic() - began, created

    took, created = await waited()
    if took >= seconds:  # the machine itself may pause once
        await api.finish(created["id"])
        took, created = await waited()
    assert seconds / 2 < took < seconds
    running = await api.until(created["id"], {"processing", "succeeded"})
    assert running["status"] == "processing", "it is under way all the same"
    assert (await api.finish(created["id"]))["status"] == "succeeded"


@pytest.mark.parametrize("prefer", ["wait", "wait=20"])
async def test_a_wait_that_is_long_enough_is_answered_with_the_end(api: Api, prefer: str) -> None:
    created = await api.create("sleep=1", {"Prefer": prefer})
    assert created["status"] == "succeeded"
    assert created["output"] == expected_output("sleep=1")
    assert created == await api.get(created["id"])


async def test_a_client_that_goes_away_while_it_waits_leaves_the_job_running(
    api: Api,
) -> None:
    prediction_id = new_id()
    body = {"id": prediction_id, "input": asked("sleep=2")}
    asking = asyncio.create_task(
        api.call("POST", "/v1/predictions", {"Prefer": "wait=30"}, json=body)
    )
    path = f"/v1/predictions/{prediction_id}"
    while (await api.call("GET", path)).body["status"] != "processing" and not asking.done():
        await asyncio.sleep(0.02)
    assert asking.cancel(), "the client goes away before it is answered"
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await api.finish(prediction_id))["status"] == "succeeded"


# Asking twice


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


# Ends that are asked for


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
    return {path.name for path in files if not path.name.startswith("file-")}


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


# The list


async def test_the_list_pages_by_absolute_links(
    api: Api, busy: Callable[[], Awaitable[object]]
) -> None:
    moment = datetime.now(UTC)
    created = [(await api.create())["id"] for _ in range(120)]
    for prediction_id in created:
        await api.cancel(prediction_id)
    first = await api.call("GET", "/v1/predictions", params={"created_after": moment.isoformat()})
    assert len(first.body["results"]) == 100
    assert first.body["previous"] is None
    assert first.body["next"].startswith(f"{api.stack.url}/v1/predictions?")
    second = await api.call("GET", first.body["next"])
    assert second.body["next"] is None
    listed = first.body["results"] + second.body["results"]
    assert [prediction["id"] for prediction in listed] == created[::-1]


async def test_a_cursor_that_is_not_ours_is_refused(api: Api) -> None:
    for query in ({"cursor": "x"}, {"cursor": "!"}, {"created_after": "yesterday"}):
        assert (await api.call("GET", "/v1/predictions", params=query)).status == 400


# Files


async def upload(api: Api, content: bytes = WAV, name: str = "speech.wav") -> Json:
    form = aiohttp.FormData()
    form.add_field("content", io.BytesIO(content), filename=name, content_type="audio/wav")
    form.add_field("metadata", '{"kind": "speech"}', content_type="application/json")
    answer = await api.call("POST", "/v1/files", data=form)
    assert answer.status == 201, answer.body
    uploaded: Json = answer.body
    return uploaded


async def test_a_file_lives_its_life(api: Api) -> None:
    uploaded = await upload(api)
    assert uploaded["size"] == len(WAV)
    assert uploaded["metadata"] == {"kind": "speech"}
    assert {"id", "name", "content_type", "etag", "checksums", "created_at", "expires_at"} <= (
        uploaded.keys()
    )
    path = f"/v1/files/{uploaded['id']}"
    assert (await api.call("GET", path)).body == uploaded
    listed = (await api.call("GET", "/v1/files")).body["results"]
    assert listed[0] == uploaded
    output = (
        await api.call(
            "POST",
            "/v1/predictions",
            {"Prefer": "wait"},
            json={"input": {"audio_file": uploaded["urls"]["get"]}},
        )
    ).body
    assert output["output"] == expected_output()
    assert "signature" not in output["input"]["audio_file"]
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.call("DELETE", path)).status == 404
    assert (await api.call("GET", path)).status == 404
    assert (await api.call("GET", uploaded["urls"]["get"])).status in (403, 404)
    late = await api.call(
        "POST", "/v1/predictions", json={"input": {"audio_file": uploaded["urls"]["get"]}}
    )
    assert late.status == 422
    assert "expired or was deleted" in late.body["detail"]


async def test_a_file_may_be_deleted_while_a_prediction_waits_for_it(
    api: Api, busy: Callable[[], Awaitable[object]]
) -> None:
    uploaded = await upload(api)
    body = {"input": {"audio_file": uploaded["urls"]["get"]}}
    created = (await api.call("POST", "/v1/predictions", json=body)).body
    assert (await api.call("DELETE", f"/v1/files/{uploaded['id']}")).status == 204
    await busy()
    assert (await api.finish(created["id"]))["output"] == expected_output()


async def test_the_download_link_is_the_permission(api: Api) -> None:
    uploaded = await upload(api)
    link = URL(uploaded["urls"]["get"])
    other = URL((await upload(api))["urls"]["get"])
    expiry = str(int(link.query["expiry"]) + 1)
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(link) as response:
            assert response.status == 200
            assert await response.read() == WAV
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        for changed in (
            link.update_query(signature="0" * 64),
            link.update_query(expiry=expiry),
            link.with_query(other.query),
            link.with_query(None),
        ):
            async with stranger.get(changed) as response:
                assert response.status == 403
                assert isinstance((await response.json())["detail"], str)
        async with stranger.get(f"{api.stack.url}/v1/files/{uploaded['id']}") as response:
            assert response.status == 401


async def test_a_form_without_a_file_is_refused(api: Api) -> None:
    form = aiohttp.FormData()
    form.add_field("metadata", "{}", content_type="application/json")
    assert (await api.call("POST", "/v1/files", data=form)).status == 422
    assert (await api.call("POST", "/v1/files", json={})).status == 415


async def test_a_data_uri_of_5_mb_is_accepted(api: Api) -> None:
    content = wav(120)
    body = {"input": asked() | {"audio_file": data_uri(content)}}
    answer = await api.call("POST", "/v1/predictions", {"Prefer": "wait"}, json=body)
    assert answer.status == 201
    assert answer.body["output"]["warnings"] == [f"{len(content)} bytes"]


class Memory:
    """The resident memory of a process, and its peak since `forget_peak`."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def now(self) -> int:
        return self._field("VmRSS")

    def peak(self) -> int:
        return self._field("VmHWM")

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text("5")

    def _field(self, name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", (self._folder / "status").read_text())
        assert found is not None
        return int(found[1]) << 10


@pytest.mark.parametrize("path", ["/v1/files", "/v1/predictions"])
async def test_a_large_upload_does_not_fill_the_memory(
    api: Api, stack: RunningStack, path: str
) -> None:
    size = 128 * MIB
    header = wav(size / 32_000)[:44]

    async def content() -> AsyncIterator[bytes]:
        yield header
        for _ in range(128):
            yield bytes(MIB)

    form = aiohttp.FormData()
    name = "content" if path == "/v1/files" else "audio_file"
    form.add_field(name, content(), filename="long.wav", content_type="audio/wav")
    memory = Memory(stack.pid("bridge"))
    before = memory.now()
    memory.forget_peak()
    answer = await api.call("POST", path, data=form)
    assert answer.status == 201, answer.body
    assert memory.peak() - before < 64 * MIB
    if path == "/v1/files":
        assert answer.body["size"] == size + 44
        await api.call("DELETE", f"{path}/{answer.body['id']}")
    else:
        assert (await api.finish(answer.body["id"]))["output"]["warnings"] == [f"{size + 44} bytes"]


# Addresses


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1"])
async def test_every_route_is_there_under_each_prefix(api: Api, prefix: str) -> None:
    version = (await api.call("GET", f"{prefix}/models/{MODEL}")).body["latest_version"]["id"]
    created = await api.call("POST", f"{prefix}/predictions", json={"input": asked()})
    assert created.status == 201
    prediction = f"{prefix}/predictions/{created.body['id']}"
    for method, path, status in (
        ("GET", f"{prefix}/predictions", 200),
        ("GET", prediction, 200),
        ("POST", f"{prediction}/cancel", 200),
        ("DELETE", prediction, 204),
        ("GET", f"{prefix}/models", 200),
        ("GET", f"{prefix}/models/{MODEL}/versions", 200),
        ("GET", f"{prefix}/models/{MODEL}/versions/{version}", 200),
        ("GET", f"{prefix}/account", 200),
        ("GET", f"{prefix}/webhooks/default/secret", 200),
        ("GET", f"{prefix}/webhooks/dead-letters", 200),
        ("GET", f"{prefix}/files", 200),
    ):
        assert (await api.call(method, path)).status == status, path
    for path in (f"models/{MODEL}", f"deployments/{MODEL}"):
        answer = await api.call("POST", f"{prefix}/{path}/predictions", json={"input": asked()})
        assert answer.status == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/predictions/", 200), ("/v1/files/", 200), ("/v1//predictions", 200), ("/v1", 404)],
)
async def test_nothing_redirects(api: Api, path: str, status: int) -> None:
    answer = await api.call("GET", path)
    assert answer.status == status
    assert "Location" not in answer.headers


async def test_a_proxy_may_say_where_we_are_reached(api: Api) -> None:
    proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "speech.example"}
    created = await api.create("", proxy)
    assert {url.partition("/v1/")[0] for url in created["urls"].values()} == {
        "https://speech.example"
    }
    uploaded = await upload(api)
    described = await api.call("GET", f"/v1/files/{uploaded['id']}", proxy)
    assert described.body["urls"]["get"].startswith("https://speech.example/v1/files/")
    answer = await api.call("GET", "/v1/predictions", proxy)
    if answer.body["next"]:
        assert answer.body["next"].startswith("https://speech.example/v1/predictions?")


# Who may


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer", "TOKEN"])
async def test_every_valid_token_and_scheme_is_accepted(
    api: Api, stack: RunningStack, other_token: str, scheme: str
) -> None:
    for token in (stack.token, other_token):
        answer = await api.call("GET", "/v1/account", {"Authorization": f"{scheme} {token}"})
        assert answer.status == 200


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Bearer ,", "Basic YTpi", "Bearer a-token-for-tests,", "Bearer é"],
)
async def test_nothing_else_is_accepted_on_any_route(api: Api, value: str) -> None:
    for method, path in (
        ("GET", "/v1/account"),
        ("GET", "/predictions/x"),
        ("POST", "/v1/predictions"),
        ("GET", "/v1/v1/webhooks/default/secret"),
        ("POST", "/v1/predictions/x/stream"),
        ("DELETE", "/v1/files/x/download"),
        ("GET", "/v1/nothing"),
    ):
        assert (await api.call(method, path, {"Authorization": value})).status == 401, path


async def test_a_secret_input_is_seen_nowhere(api: Api, stack: RunningStack) -> None:
    secret = f"hf_{uuid4().hex}"
    seen = []
    async with receiving() as receiver:
        for wishes in ("logs=8", "fail=no"):
            inputs = asked(wishes, huggingface_access_token=secret, debug=True)
            body = {"input": inputs, "webhook": receiver.url}
            created = (await api.call("POST", "/v1/predictions", json=body)).body
            seen.append(created)
            assert created["input"]["huggingface_access_token"] == "*" * 10
            seen.append(await api.get(created["id"]))
            stream = await api.call("GET", created["urls"]["stream"])
            seen.append({"stream": stream.body.decode()})
            seen.append(await api.finish(created["id"]))
            conflict = {**body, "id": created["id"], "input": inputs | {"debug": False}}
            seen.append((await api.call("POST", "/v1/predictions", json=conflict)).body)
        wrong = asked("", huggingface_access_token=secret, vad_onset=7)
        seen.append((await api.call("POST", "/v1/predictions", json={"input": wrong})).body)
        typed = asked("", huggingface_access_token=[secret])
        seen.append((await api.call("POST", "/v1/predictions", json={"input": typed})).body)
        seen.append((await api.call("GET", "/v1/predictions")).body)
        await eventually(lambda: len(receiver.ends) >= 2, "both ends are told")
        told = [call.raw for call in receiver.calls]
    logs = [path.read_text(errors="replace") for path in (stack.state_dir / "log").iterdir()]
    logs.append((stack.state_dir / "stack.log").read_text())
    for text in [*map(json.dumps, seen), *told, *logs]:
        assert secret not in text


async def test_what_is_no_request_is_refused_with_words(api: Api) -> None:
    for content, status in ((b"{", 400), (b"[]", 400), (b"", 400), (b'"x"', 400), (b"\xff", 400)):
        answer = await api.call(
            "POST", "/v1/predictions", {"Content-Type": "application/json"}, data=content
        )
        assert (answer.status, type(answer.body["detail"])) == (status, str), content
    bodies: list[Json] = [
        {"input": asked(), "version": 7},
        {"input": asked(), "version": ["x"]},
        {"input": asked(), "version": {}},
        {"input": asked(), "id": 7},
        {"input": asked(), "id": "a/b"},
        {"input": asked(), "webhook": ["x"]},
        {"input": asked(), "webhook_events_filter": {"start": 1}},
        {"input": [asked()]},
        {"input": asked() | {"audio_file": [URI]}},
        {"input": asked() | {"audio_file": {"url": URI}}},
        {"input": asked() | {"whisper_model": ["demo"]}},
        {"input": asked(), "id": "\x00"},
    ]
    for body in bodies:
        answer = await api.call("POST", "/v1/predictions", json=body)
        assert (answer.status, type(answer.body["detail"])) == (422, str), body


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
async def test_a_number_that_is_none_is_refused(api: Api, value: str) -> None:
    """Python's parser takes these words; JSON and the predictor's server do not know them."""
    assert (await raw_temperature(api, value)).status in (400, 422)


async def test_what_the_predictors_server_cannot_read_holds_nobody_up(api: Api) -> None:
    """Half of a surrogate pair is a text to Python and none to Rust."""
    body = {"input": asked("half \ud800 of a pair")}
    answer = await api.call("POST", "/v1/predictions", json=body)
    try:
        if answer.status == 201:
            assert (await api.finish(answer.body["id"], 15))["status"] == "failed"
        else:
            assert answer.status in (400, 422)
    finally:
        if answer.status == 201:
            await api.cancel(answer.body["id"])


async def raw_temperature(api: Api, value: str) -> Answer:
    body = json.dumps({"input": asked() | {"temperature": 0.5}}).replace("0.5", value)
    answer = await api.call(
        "POST", "/v1/predictions", {"Content-Type": "application/json"}, data=body
    )
    if answer.status == 201:  # lest it be in the way of the other tests
        await api.cancel(answer.body["id"])
    return answer


@pytest.mark.parametrize("prefer", ["wait=0", "wait=-1", "wait=abc", "wait=99999999999999999999"])
async def test_a_strange_wish_to_wait_does_no_harm(api: Api, prefer: str) -> None:
    created = await api.create("", {"Prefer": prefer})
    assert created["status"] in ("starting", "succeeded")


# Streams


async def events_of(response: aiohttp.ClientResponse) -> list[tuple[str, str, str]]:
    """(event, id, data) of all events; comments count as events named ``:``."""
    found = []
    for block in (await response.text()).split("\n\n"):
        fields: dict[str, Any] = {"event": "", "id": "", "data": []}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            if name == "data":
                fields["data"].append(value.removeprefix(" "))
            else:
                fields["event" if name == "" else name] = value.strip() if name else ":"
        if block:
            found.append((fields["event"], fields["id"], "\n".join(fields["data"])))
    return found


async def test_a_stream_tells_everything_in_order_to_who_holds_the_link(api: Api) -> None:
    created = await api.create("logs=12")
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(created["urls"]["stream"]) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            events = await events_of(response)
        kinds = [event for event, _, _ in events]
        assert len(kinds) >= 4
        assert kinds == ["logs"] * (len(kinds) - 2) + ["output", "done"]
        ids = [event_id for _, event_id, _ in events]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        ended = await api.get(created["id"])
        assert "".join(data for event, _, data in events if event == "logs") == ended["logs"]
        assert json.loads(events[-2][2]) == ended["output"]
        assert events[-1][2] == "{}"
        async with stranger.get(created["urls"]["stream"]) as response:
            again = await events_of(response)
        assert [event for event, _, _ in again] == ["logs", "output", "done"]


async def test_a_stream_of_a_canceled_prediction_ends(api: Api) -> None:
    created = await api.create("sleep=60")
    await api.until(created["id"], ["processing"])
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(created["urls"]["stream"]) as response,
    ):
        await api.cancel(created["id"])
        events = await events_of(response)
    assert (events[-1][0], events[-1][2]) == ("done", '{"reason": "canceled"}')


async def test_a_stream_needs_its_own_link(api: Api) -> None:
    created, other = await api.create(), await api.create()
    link, foreign = URL(created["urls"]["stream"]), URL(other["urls"]["stream"])
    async with aiohttp.ClientSession() as stranger:
        for changed in (
            link.update_query(signature="0" * 64),
            link.update_query(expiry=str(int(link.query["expiry"]) + 1)),
            link.with_query(foreign.query),
            link.with_query(None),
        ):
            async with stranger.get(changed) as response:
                assert response.status == 403


@pytest.mark.slow
async def test_a_silent_stream_is_kept_alive(api: Api) -> None:
    created = await api.create("sleep=24")
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(created["urls"]["stream"]) as response,
    ):
        events = await events_of(response)
    kinds = [event for event, _, _ in events]
    assert kinds.count(":") == 2, "one every ten seconds"
    assert kinds[-2:] == ["output", "done"]


# Limits, on a stack of its own


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
