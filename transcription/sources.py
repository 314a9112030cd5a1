"""What a recording is read from: a file by its path, its bytes, or a file that is open already."""

from contextlib import AbstractContextManager, nullcontext
from io import SEEK_SET, BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

Source = Path | bytes | RawIOBase

_BLOCK = 64 << 10  # bytes


def as_file(source: Source) -> AbstractContextManager[BinaryIO]:
    """The source as a file; one that was open stays open at the end."""
    if isinstance(source, RawIOBase):
        return nullcontext(cast("BinaryIO", source))
    return source.open("rb") if isinstance(source, Path) else BytesIO(source)


def found_at(file: BinaryIO, content: bytes, start: int) -> int:
    """Where ``content`` stands in the file from ``start`` on; -1 where it does not.

    The file's position stays as it was: FFmpeg may be reading it. It is not mapped into memory,
    which takes another descriptor, and a sandbox allows none.
    """
    before = file.tell()
    try:
        kept, position = b"", file.seek(start)
        while block := file.read(_BLOCK):
            held = kept + block
            if (found := held.find(content)) >= 0:
                return position - len(kept) + found
            position += len(block)
            kept = held[len(held) - len(content) + 1 :] if len(content) > 1 else b""
        return -1
    finally:
        file.seek(before, SEEK_SET)
