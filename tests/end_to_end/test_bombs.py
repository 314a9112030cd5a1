"""A body that unpacks to much more is refused at the bound of its route, and fills no memory."""

import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from stack.settings import free_port
from tests.fixtures import lone

pytestmark = pytest.mark.slow
MEGABYTES = 200  # unpacked; packed it is less than one
BOUND = 4 << 20
HEADERS = {"Content-Encoding": "gzip", "If-Match": '"0"'}
FORM = b'--f\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'


def packed(begin: bytes = b"") -> bytes:
    packer = zlib.compressobj(level=1, wbits=31)
    zeros = bytes(1 << 20)
    parts = [packer.compress(begin), *(packer.compress(zeros) for _ in range(MEGABYTES))]
    return b"".join([*parts, packer.flush()])


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[lone.LoneBridge]:
    port, bounds = free_port(), {"MAX_JSON_BYTES": str(BOUND), "MAX_FILE_BYTES": str(BOUND)}
    with lone.redis(tmp_path, port), lone.bridge(tmp_path, port, **bounds) as running:
        yield running


def peak_megabytes(bridge: lone.LoneBridge) -> int:
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


@pytest.mark.parametrize(
    ("method", "route", "begin"),
    [
        ("POST", "/v1/predictions", b""),
        ("PUT", "/v1/predictions/x", b""),
        ("PUT", "/v1/predictions/x/transcript", b""),
        ("POST", "/v1/predictions", FORM % (b"language", b"")),
        ("POST", "/v1/predictions", FORM % (b"audio_file", b"")),
        ("POST", "/v1/predictions", FORM % (b"audio_file", b'; filename="a.wav"')),
        ("POST", "/v1/audio/transcriptions", FORM % (b"file", b'; filename="a.wav"')),
        ("POST", "/asr", FORM % (b"audio_file", b'; filename="a.wav"')),
        ("POST", "/v1/files", FORM % (b"content", b'; filename="a.wav"')),
        ("POST", "/v1/files", FORM % (b"metadata", b"")),
    ],
)
async def test_a_body_is_bounded_as_it_unpacks(
    bridge: lone.LoneBridge, method: str, route: str, begin: bytes
) -> None:
    body = packed(begin)
    kind = "multipart/form-data; boundary=f" if begin else "application/json"
    given = {**HEADERS, "Content-Type": kind, "Authorization": f"Bearer {lone.TOKEN}"}
    before = peak_megabytes(bridge)
    async with aiohttp.ClientSession() as session:
        try:
            async with session.request(method, bridge.url + route, data=body, headers=given) as got:
                assert got.status == 413
        except aiohttp.ClientOSError:
            pass  # it was answered and closed before all was sent
    assert peak_megabytes(bridge) - before < 100
    assert bridge.health()
