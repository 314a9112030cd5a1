"""Where fetched models are kept: one folder for all clones of this repository.

Files appear whole or not at all, and of two processes that want the same model one fetches it.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from models.pins import Pinned

_CHUNK = 1 << 20  # bytes


def root() -> Path:
    """XDG_CACHE_HOME/whisperx-stack; under ~/.cache where the variable is not set."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "whisperx-stack"


def place(pinned: Pinned) -> Path:
    """The directory of a pinned model, whether or not anything is there."""
    return root() / "whisper" / pinned.folder


def unfit(folder: Path, pinned: Pinned) -> list[str]:
    """The files of ``pinned`` that are missing in ``folder`` or are not what they should be."""
    return [name for name, file in pinned.files.items() if sha256(folder / name) != file.sha256]


def sha256(path: Path) -> str | None:
    """The digest of a file's content, None where there is none. Read once while it stays."""
    try:
        status = path.stat()
        return _digest(path, (status.st_ino, status.st_size, status.st_mtime_ns))
    except OSError:
        return None


@lru_cache
def _digest(path: Path, _version: tuple[int, int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Keeps other processes from filling ``folder``, until the body ends or this process does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is fetching {folder.name}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; it becomes ``path`` when the body ends well, and nothing otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def copied(source: IO[bytes], target: IO[bytes], size: int) -> Iterator[bytes]:
    """Copies exactly ``size`` bytes, and yields them piece by piece. Raises ValueError."""
    left = size
    while left and (piece := source.read(min(_CHUNK, left))):
        target.write(piece)
        left -= len(piece)
        yield piece
    if left or source.read(1):
        raise ValueError("another size than it should have")
