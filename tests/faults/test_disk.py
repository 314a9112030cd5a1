"""A full disk: refused in words, nothing left behind, and the next request works."""

import os
import shutil
import subprocess
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fault_stack import PREDICTOR
from stack.client import ApiError, Client
from stack.machine import STATE_BYTES
from tests.conftest import RunningStack, start_stack, stop_stack

pytestmark = pytest.mark.slow

DISK_BYTES = 1 << 20  # that are left once the stack is there


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system that the stack starts on; where mounting is not allowed, a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={STATE_BYTES + DISK_BYTES}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def cramped(tmp_path: Path, small_disk: Path) -> Iterator[RunningStack]:
    environ = {"FILES_DIR": str(small_disk), "COG_PREDICT_TYPE_STUB": PREDICTOR}
    if not os.path.ismount(small_disk):
        environ["FILES_QUOTA_BYTES"] = str(DISK_BYTES)
    running = start_stack(tmp_path, **environ)
    if os.path.ismount(small_disk):
        with (small_disk / ".other").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free - DISK_BYTES)
    yield running
    stop_stack(running)


@pytest.fixture
async def client(cramped: RunningStack) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, cramped.url, cramped.token)


def silence(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000 * seconds))
    return path


async def test_a_full_disk(client: Client, small_disk: Path, tmp_path: Path) -> None:
    large, small = silence(tmp_path / "large.wav", 60), silence(tmp_path / "small.wav", 5)
    with pytest.raises(ApiError, match="no room"):
        await client.create_from_file(large)
    assert list(small_disk.glob("[!.]*")) == []
    created = await client.create_from_file(small)
    assert (await client.finish(created["id"]))["status"] == "succeeded"
    assert list(small_disk.glob("[!.]*")) == []
