"""Files that were put together byte by byte: the recordings after the first.

FFmpeg reads on by itself where a format is a row of packets. Other formats state their length, and
it takes what follows for rubbish.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import BinaryIO, Final

from transcription.lengths import end_of, is_alike
from transcription.sources import Source, as_file

_MOST = 1000  # recordings in one file


class Part(RawIOBase):
    """A recording inside a file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file: Final = file
        self._start: Final = start
        self._end: Final = end
        self._position = start

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As much as there is, up to ``size``."""
        left = max(0, self._end - self._position)
        self._file.seek(self._position)
        found = self._file.read(left if size < 0 else min(size, left))
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """The new position, from the part's beginning."""
        base = {SEEK_SET: self._start, SEEK_CUR: self._position, SEEK_END: self._end}[whence]
        self._position = max(self._start, base + offset)
        return self.tell()

    def tell(self) -> int:
        """The position from the part's beginning."""
        return self._position - self._start


@contextmanager
def divided(source: Source) -> Iterator[Sequence[Source]]:
    """The recordings in a file, each to be read before the next; most files hold one."""
    with as_file(source) as file:
        size = file.seek(0, SEEK_END)
        starts = _starts(file, size)
        ends = [*starts[1:], size]
        many = [Part(file, start, end) for start, end in zip(starts, ends, strict=True)]
        yield many if len(many) > 1 else (source,)


def said_by_head(source: Source) -> float:
    """How often the bytes that are here would make those that the recording's head promises."""
    with as_file(source) as file:
        size = file.seek(0, SEEK_END)
        end = end_of(file, 0, size) or 0
        return max(1.0, end / size)


def _starts(file: BinaryIO, size: int) -> list[int]:
    found = [0]
    while len(found) < _MOST:
        end = end_of(file, found[-1], size)
        if end is None or end <= found[-1] or not is_alike(file, end):
            break
        found.append(end)
    return found
