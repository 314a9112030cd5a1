"""The list of predictions, and the addresses of all routes, by plain HTTP."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tests.clients.helpers import (
    MODEL,
    Api,
    asked,
    upload,
)

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


@pytest.mark.parametrize(
    "host", ["10.0.0.7:8080", "[::1]:443", "a_b.internal", "xn--mnchen-3ya.de"]
)
async def test_a_proxy_may_name_every_kind_of_host(api: Api, host: str) -> None:
    created = await api.create("", {"X-Forwarded-Host": f" {host} , inner"})
    assert {url.partition("/v1/")[0] for url in created["urls"].values()} == {f"http://{host}"}


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


@pytest.mark.parametrize(
    "host", ["@", "a@b", "[:::::]", "speech.example:99999", "a b", "-", "x/y", "münchen", ""]
)
async def test_what_is_no_host_is_in_no_address(api: Api, host: str) -> None:
    await upload(api)
    nonsense = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "javascript"}
    for path in ("/v1/files", "/v1/predictions"):
        answer = await api.call("GET", path, nonsense)
        assert answer.status == 200
        for one in answer.body["results"]:
            assert all(url.startswith(api.stack.url) for url in one["urls"].values())
