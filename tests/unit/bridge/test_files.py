"""Recordings on disk: whole, bounded, and gone when something goes wrong."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.recordings.files import DiskFull, Files, TooLarge
from transcription.errors import InvalidAudio


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_chunks_become_a_file(tmp_path: Path) -> None:
    files = Files(tmp_path / "new", max_bytes=10, quota=1000)
    assert (await files.write("a", chunks(b"12345", b"67890"))).size == 10
    assert files.path("a").read_bytes() == b"1234567890"
    files.remove("a")
    files.remove("a")
    assert not files.path("a").exists()


async def test_digests_are_of_the_content(tmp_path: Path) -> None:
    stored = await Files(tmp_path, 100, 1000).write("a", chunks(b"ab", b"c"))
    assert stored.sha256.startswith("ba7816bf")
    assert stored.md5 == "900150983cd24fb0d6963f7d28e17f72"


async def test_the_quota_counts_what_is_there_already(tmp_path: Path) -> None:
    files = Files(tmp_path, max_bytes=100, quota=15)
    await files.write("a", chunks(b"1234567890"))
    files.link("b", "a")
    await files.write("c", chunks(b"12345"))
    with pytest.raises(DiskFull) as caught:
        await files.write("d", chunks(b"1"))
    assert caught.value.status == 507
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


async def test_a_long_queue_is_not_counted_for_each_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path, max_bytes=10, quota=100)
    counts: list[object] = []
    scandir = os.scandir

    def counted(folder: Path) -> Any:
        counts.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    for name in "abcdefgh":
        await files.write(name, chunks(b"1234567890"))
    assert len(counts) == 1
    await asyncio.gather(*(files.write(name, chunks(b"1")) for name in "ij"))
    await files.write("k", chunks(b"1234567890"))
    await files.write("l", chunks(b"12345678"))
    with pytest.raises(DiskFull):
        await files.write("m", chunks(b"1"))
    files.remove("a")
    await files.write("m", chunks(b"1"))


async def test_too_much_leaves_nothing_behind(tmp_path: Path) -> None:
    files = Files(tmp_path, max_bytes=9, quota=1000)
    with pytest.raises(TooLarge) as caught:
        await files.write("a", chunks(b"12345", b"67890"), "audio")
    assert (caught.value.status, caught.value.field) == (413, "audio")
    assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(content=st.binary(max_size=5000))
async def test_a_data_uri_is_decoded_to_the_byte(tmp_path: Path, content: bytes) -> None:
    files = Files(tmp_path, max_bytes=10_000, quota=10**9)
    uri = "data:audio/wav;base64," + base64.b64encode(content).decode()
    assert (await files.write_encoded("a", uri, "audio")).size == len(content)
    assert files.path("a").read_bytes() == content


@pytest.mark.parametrize(
    "uri",
    ["data:audio/wav;base64,A", "data:audio/wav;base64,A=AA", "data:audio/wav", "data:;base64,é"],
)
async def test_a_broken_data_uri_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(InvalidAudio):
        await Files(tmp_path, 100, 1000).write_encoded("a", uri, "audio")
    assert list(tmp_path.iterdir()) == []


async def test_a_large_data_uri_is_decoded_in_pieces(tmp_path: Path) -> None:
    content = bytes(range(256)) * 12_000
    uri = "data:;base64," + base64.b64encode(content).decode()
    files = Files(tmp_path, max_bytes=len(content), quota=10**9)
    await files.write_encoded("a", uri, "audio")
    assert files.path("a").read_bytes() == content
