"""Downloads against a real web server: bounded, every hop checked, nothing private shown."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web

from evaluation.serving import serving
from outbound.fetch import MAX_REDIRECTS, FetchFailed, Limits, fetch
from outbound.policy import Address, AddressRefused, Policy

LOOPBACK = Policy.parse("127.0.0.1")
LIMITS = Limits(max_bytes=1000, total_seconds=5, idle_seconds=1)


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async def body(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query["size"]))

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b"x" * 100)
        return response

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(10)
        return response

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    app = web.Application()
    for path, handler in (
        ("/body", body),
        ("/endless", endless),
        ("/silent", silent),
        ("/moved", moved),
    ):
        app.router.add_get(path, handler)
    async with serving(app) as url:
        yield url


async def test_a_file_arrives_whole(server: str, tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert await fetch(f"{server}/body?size=1000", target, policy=LOOPBACK, limits=LIMITS) == 1000
    assert target.read_bytes() == b"x" * 1000


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/body?size=1001", "larger than 1000 bytes"),
        ("/endless", "larger than 1000 bytes"),
        ("/silent", "too long"),
        ("/missing?token=abc", "404"),
        ("/moved?to=/moved?to=/moved", "400|redirects|500"),
        ("/moved?to=http://192.168.0.1/x", "private"),
        ("/moved?to=http://[::1]/x", "private"),
        ("/moved?to=file:///etc/passwd", "only http"),
        ("/moved?to=http://[", "no URL"),
        ("/moved?to=http://[]@/x", "no URL"),
        ("/moved?to=http://xn--/x", "not a valid URL"),
        ("/moved?to=//h:99999/", "no URL"),
    ],
)
async def test_what_goes_wrong_is_said_in_words(
    server: str, tmp_path: Path, path: str, reason: str
) -> None:
    with pytest.raises(FetchFailed, match=reason) as caught:
        await fetch(server + path, tmp_path / "file", policy=LOOPBACK, limits=LIMITS)
    assert "127.0.0.1" not in str(caught.value)
    assert "token" not in str(caught.value)


async def test_redirects_in_a_circle_end(server: str, tmp_path: Path) -> None:
    circle = f"{server}/moved?to=" + "%2Fmoved%3Fto%3D".join([""] * (MAX_REDIRECTS + 3))
    with pytest.raises(FetchFailed):
        await fetch(circle, tmp_path / "file", policy=LOOPBACK, limits=LIMITS)


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="cannot be reached"):
        await fetch("http://127.0.0.1:9/x", tmp_path / "f", policy=LOOPBACK, limits=LIMITS)


async def test_a_name_that_changes_its_address_gains_nothing(tmp_path: Path, server: str) -> None:
    port = int(server.rpartition(":")[2])

    class Rebinding(Policy):
        """A name server that answers with a public address first and a private one afterwards."""

        asked = 0

        async def resolve(self, host: str, port: int) -> list[Address]:
            type(self).asked += 1
            address = ip_address("8.8.8.8" if self.asked == 1 else "127.0.0.1")
            if not self._allows(address, port):
                raise AddressRefused("private")
            return [address]

    with pytest.raises(FetchFailed, match="private"):
        await fetch(
            f"http://rebind.test:{port}/body?size=1",
            tmp_path / "f",
            policy=Rebinding(),
            limits=LIMITS,
        )
    assert Rebinding.asked == 2
