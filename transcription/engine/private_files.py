"""Files that only their reader may change: NLTK 3.10 reads no others."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_OTHERS = 0o022  # may be written by the group or by everybody


@cache
def private(directory: Path) -> Path:
    """``directory``, or where others may write to it or own it a copy that lives until the end.

    Whoever may write there could change this program as well: a checkout under umask 002 is no
    less trusted for being writable by its group.
    """
    entries = [directory, *sorted(directory.rglob("*"))]
    if all(map(_is_private, entries)):
        return directory
    copy = Path(tempfile.mkdtemp(prefix="sentence-tables-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for entry in entries[1:]:
        target = copy / entry.relative_to(directory)
        if entry.is_dir():
            target.mkdir(mode=0o700)
        else:
            target.touch(mode=0o600)
            target.write_bytes(entry.read_bytes())
    return copy


def _is_private(path: Path) -> bool:
    status = path.stat()
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & _OTHERS
