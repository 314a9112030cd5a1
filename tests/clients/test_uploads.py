"""Files that are uploaded, by plain HTTP."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.clients.helpers import (
    MIB,
    WAV,
    Api,
    asked,
    data_uri,
    expected_output,
    upload,
    wav,
)
from tests.conftest import RunningStack


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
