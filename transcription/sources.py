"""What a recording is read from: a file by its path, its bytes, or a file that is open already."""

import math
from contextlib import AbstractContextManager, nullcontext
from io import SEEK_SET, BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

Source = Path | bytes | RawIOBase

_BLOCK = 64 << 10  # bytes


def as_file(source: Source) -> AbstractContextManager[BinaryIO]:
    """The source as a file; one that was open stays open at the end."""
    if isinstance(source, RawIOBase):
        return nullcontext(cast("BinaryIO", source))
    return source.open("rb") if isinstance(source, Path) else BytesIO(source)


def found_at(file: BinaryIO, content: bytes, start: int, reach: float = math.inf) -> int:
    """Where ``content`` stands in the file from ``start`` on; -1 where it does not.

    At least ``reach`` bytes are searched. The file's position stays as it was: FFmpeg may be
    reading it. It is not mapped into memory, which takes another descriptor, and a sandbox allows
    none.
    """
    before = file.tell()
    try:
        kept, position = b"", file.seek(start)
        while position - start < reach and (block := file.read(_BLOCK)):
            held = kept + block
            if (found := held.find(content)) >= 0:
                return position - len(kept) + found
            position += len(block)
            kept = held[len(held) - len(content) + 1 :] if len(content) > 1 else b""
        return -1
    finally:
        file.seek(before, SEEK_SET)


class Places:
    """Tells where packets stand in a file that FFmpeg is reading."""

    def __init__(self, source: Source) -> None:
        self._source: Final = source
        self._block = b""  # of the file, from `_start` on
        self._start = 0

    def find(self, content: bytes, start: int, reach: int) -> int:
        """As `found_at`; reads the file in blocks where most packets stand at their ``start``."""
        if not self._start <= start <= self._start + len(self._block) - len(content):
            self._read(start, len(content))
        if self._block.startswith(content, start - self._start):
            return start
        with as_file(self._source) as file:
            return found_at(file, content, start, reach)

    def count(self, content: bytes, start: int, end: int) -> int:
        """How often ``content`` stands in that part of the file."""
        found = 0
        while end - start >= len(content):
            if not self._start <= start <= self._start + len(self._block) - len(content):
                self._read(start, len(content))
            piece = self._block[start - self._start : end - self._start]
            if len(piece) < len(content):
                break
            found += piece.count(content)
            start += len(piece) - len(content) + 1
        return found

    def _read(self, start: int, size: int) -> None:
        with as_file(self._source) as file:
            before = file.tell()
            self._start = file.seek(start)
            self._block = file.read(max(_BLOCK, size))
            file.seek(before, SEEK_SET)
