"""Which process listens on a port or holds a folder, as far as /proc tells (on Linux)."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = "0A"


def listens(leader: int, port: int) -> bool:
    """Whether ``leader``, or a process of its session, listens on ``port``.

    True where nothing can be known.
    """
    if not (_PROC / "net/tcp").exists():
        return True
    sockets = _sockets(port)
    return any(_session(pid) == leader and _opened(pid, sockets) for pid in _pids())


def listener(port: int) -> int | None:
    """The process that listens on ``port``; None where that cannot be known."""
    sockets = _sockets(port)
    return next((pid for pid in _pids() if _opened(pid, sockets)), None)


def holder(folder: Path) -> int | None:
    """The process that has locked ``folder``; None where that cannot be known."""
    return next((pid for pid in _pids() if _opened(pid, {str(folder)}, _locked)), None)


def named(pid: int | None) -> str:
    """The process as people find it. Arguments may hold secrets, so they are left out."""
    try:
        return f"{(_PROC / str(pid) / 'comm').read_text().strip()} (process {pid})"
    except OSError:
        return "another process"


def _pids() -> Iterator[int]:
    yield from sorted(int(entry.name) for entry in _PROC.glob("[0-9]*"))


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _sockets(port: int) -> set[str]:
    found = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (_PROC / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _opened(pid: int, links: set[str], wanted: Callable[[Path], bool] = lambda _: True) -> bool:
    """Whether the process has one of ``links`` open; not where we may not look."""
    try:
        opened = list((_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
    for path in opened:
        try:
            if str(path.readlink()) in links and wanted(path):
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def _locked(descriptor: Path) -> bool:
    return "FLOCK" in (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text()
