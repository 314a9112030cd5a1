"""The page and the sound over HTTP: who gets them, and for how long."""

from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from stack.client import Client
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack

pytestmark = pytest.mark.slow


async def test_the_page_needs_no_token_and_says_what_it_may_do(
    stack: RunningStack, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{stack.url}/") as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Encoding"] in ("deflate", "gzip")
    assert "unsafe" not in policy
    assert "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" in policy
    async with session.get(f"{stack.url}/page/app.js") as answer:
        assert (answer.status, answer.content_type) == (200, "text/javascript")
    for path in ("/page/../settings.py", "/page/%2e%2e", "/page/no.js"):
        async with session.get(URL(f"{stack.url}{path}", encoded=True)) as answer:
            assert answer.status in (401, 404)


async def test_the_sound_is_kept_as_long_as_the_operator_says(
    tmp_path: Path, session: aiohttp.ClientSession, stack: RunningStack
) -> None:
    kept = start_stack(tmp_path, KEEP_RECORDINGS="3600", PAGE="0")
    try:
        async with session.get(f"{kept.url}/") as answer:
            assert answer.status == 404
        await _heard_and_deleted(kept, session)
    finally:
        stop_stack(kept)
    # Without the variable nothing is kept.
    client = Client(session, stack.url, stack.token)
    done = await client.finish((await client.create_from_file(RECORDING))["id"])
    transcript = await client._call("GET", f"/v1/predictions/{done['id']}/transcript")
    assert transcript["recording"] is None
    assert [path.name for path in stack.state_dir.glob("files/kept-*")] == []


async def _heard_and_deleted(kept: RunningStack, session: aiohttp.ClientSession) -> None:
    client = Client(session, kept.url, kept.token)
    done = await client.finish((await client.create_from_file(RECORDING))["id"])
    path = f"/v1/predictions/{done['id']}"
    transcript = await client._call("GET", f"{path}/transcript")
    link = transcript["recording"]["url"]
    assert transcript["recording"]["expires_at"] > done["completed_at"]
    async with session.get(link) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/x-wav")
        assert await answer.read() == RECORDING.read_bytes()
    async with session.get(link, headers={"Range": "bytes=1000-1999"}) as answer:
        assert answer.status == 206
        assert await answer.read() == RECORDING.read_bytes()[1000:2000]
    for wrong in (link[:-1], link.replace("expiry=", "expiry=9"), link.partition("?")[0]):
        async with session.get(wrong) as answer:
            assert answer.status == 403
    drawn = await client._call("GET", f"{path}/peaks")
    assert drawn["per_second"] == 20
    assert len(drawn["peaks"]) == 879
    assert max(drawn["peaks"]) == 100
    assert done["metrics"]["language"] == "en"
    headers = {"Authorization": f"Bearer {kept.token}"}
    async with session.delete(f"{kept.url}{path}", headers=headers) as answer:
        assert answer.status == 204
    async with session.get(link) as answer:
        assert answer.status == 404
    assert list(kept.state_dir.glob("files/kept-*")) == []
