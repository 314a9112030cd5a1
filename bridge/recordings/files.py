"""Recordings on disk, from the moment they arrive until they are no longer needed.

Each is a file with a random name in one folder, which all bridges on one Redis share. Names that
clients send never touch the disk.
"""

import asyncio
import contextlib
import errno
import hashlib
import math
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bridge.records.prediction import Recording
from transcription.encoded import decoded
from transcription.errors import InvalidAudio, TranscriptionError

# How the names of such recordings begin.
FORWARDED = "forwarded-"  # has no record; the sweep deletes it after its run
KEPT = "kept-"  # may be listened to after its run
COUNT_SECONDS = 1.0  # how old the count of what other bridges stored may be
_SMALL = 64 << 10  # bytes that are written sooner than a thread is woken to write them


class TooLarge(InvalidAudio):
    """The recording has more bytes than the operator allows."""

    status = 413


class DiskFull(TranscriptionError):
    """There is no room for the recording: the quota is used up, or the disk is."""

    status = 507


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: bytes and digests (hexadecimal)."""

    size: int
    sha256: str
    md5: str


def kept(name: str) -> str:
    """The name of a recording once it is kept to be listened to."""
    return f"{KEPT}{name}"


class Files:
    """The folder of recordings."""

    def __init__(self, folder: Path, max_bytes: int, quota: int) -> None:
        self._folder: Final = folder
        self._max_bytes: Final = max_bytes
        self._quota: Final = quota
        folder.mkdir(parents=True, exist_ok=True)
        self._usage: Final = _Usage(folder)

    def path(self, name: str) -> Path:
        """Where the recording of that name is, or will be."""
        return self._folder / name

    async def write(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        field: str = "audio_file",
        max_bytes: int | None = None,
    ) -> Stored:
        """Store a recording as it arrives. Raises TooLarge or DiskFull, leaving nothing behind."""
        most = min(self._max_bytes, max_bytes or self._max_bytes)
        path = self.path(name)
        try:
            with path.open("wb") as file:
                return await self._copy(chunks, file, field, most)
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull("There is no room for the recording at the moment.") from None
            raise
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def write_encoded(self, name: str, text: str, field: str) -> Stored:
        """Store the recording that ``text`` holds (see `is_encoded`). Raises InvalidAudio."""
        return await self.write(name, _parts(text, field), field)

    def link(self, name: str, existing: str) -> None:
        """Give the recording ``existing`` a second name; either may be removed first."""
        os.link(self.path(existing), self.path(name))

    def remove(self, *names: str) -> None:
        """Delete the recordings that there are."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def keep(self, name: str) -> None:
        """Put the recording, if it is there, under the name by which it may be listened to."""
        with contextlib.suppress(FileNotFoundError):
            path = self.path(name).rename(self.path(kept(name)))
            os.utime(path)  # its time begins now

    def missing(self, recordings: Sequence[Recording]) -> list[Recording]:
        """Those that are still to be fetched."""
        return [one for one in recordings if one.source and not self.path(one.name).exists()]

    async def room(self) -> int:
        """Bytes that one more recording may have."""
        used = await self._usage.bytes(COUNT_SECONDS)
        if used + self._max_bytes > self._quota:
            used = await self._usage.bytes(0)
        return max(0, min(self._max_bytes, self._quota - used))

    async def _copy(
        self, chunks: AsyncIterator[bytes], file: BinaryIO, field: str, max_bytes: int
    ) -> Stored:
        room = await self.room()
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0

        def take(chunk: bytes) -> None:
            sha256.update(chunk)
            md5.update(chunk)
            file.write(chunk)

        async for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge(f"the file is larger than {max_bytes} bytes", field)
            if size > room:
                raise DiskFull("There is no room for the recording at the moment.")
            if len(chunk) <= _SMALL:
                take(chunk)
            else:
                await asyncio.to_thread(take, chunk)
        self._usage.add(size)
        return Stored(size, sha256.hexdigest(), md5.hexdigest())


class _Usage:
    """How many bytes a folder holds. A long queue is a thousand files, too many to count each time.

    Between two counts it only grows, by what this process adds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._counting: Final = asyncio.Lock()
        self._counted_at = -math.inf
        self._bytes = 0

    async def bytes(self, age: float) -> int:
        """Bytes of all files as they were at most ``age`` seconds ago, and what came since."""
        asked_at = time.monotonic()
        async with self._counting:
            if self._counted_at < asked_at - age:
                began = time.monotonic()
                self._bytes = 0
                counted = await asyncio.to_thread(self._count)
                self._bytes += counted  # beside what was added while it was counted
                self._counted_at = began
        return self._bytes

    def add(self, size: int) -> None:
        """Note a new file."""
        self._bytes += size

    def _count(self) -> int:
        """Bytes of all files; those with two names count once."""
        sizes = {}
        for entry in os.scandir(self._folder):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            sizes[status.st_ino] = status.st_size
        return sum(sizes.values())


async def _parts(text: str, field: str) -> AsyncIterator[bytes]:
    for part in decoded(text, field):
        yield part
