"""A temporary folder that no recording outlives.

A process that is killed cannot delete what it downloaded. So each keeps its temporary files in a
folder of its own and holds a lock in it, which the kernel releases however the process ends;
whoever moves in next deletes the folders that nobody holds.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "whisperx-scratch-"
_LOCK = "in-use"
_mine: list[Path] = []


def use_scratch_folder() -> Path:
    """The folder in which every later temporary file of this process is made.

    It is deleted at the process's end. Once moved in, this gives the same folder again.
    """
    if _mine:
        return _mine[0]
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (lock := _lock(left)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    folder = _new()
    _mine.append(folder)
    tempfile.tempdir = str(folder)
    atexit.register(_leave, os.getpid())
    return folder


def _new() -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        (folder / _LOCK).touch(mode=0o600)
        # Another that moves in now may be the first to lock it, and then deletes it.
        if _lock(folder) is not None:
            return folder


def _lock(folder: Path) -> int | None:
    """The open lock of ``folder``; None where another process holds it or it may not be opened."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _leave(process: int) -> None:
    # A forked child ends as well, and the folder is not its own.
    if os.getpid() == process:
        shutil.rmtree(_mine[0], ignore_errors=True)
