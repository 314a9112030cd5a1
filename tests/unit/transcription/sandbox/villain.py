"""A decoder that a recording has taken over: it does what the recording says, as far as it can."""

import ctypes
import json
import mmap
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transcription.sandbox.worker import Result
from transcription.sources import Source, as_file

EXAMPLE: Mapping[str, Any] = {}


def job(source: Source, _arguments: Mapping[str, Any]) -> Result:
    """Says what came of the attempt; an attempt that fails raises."""
    with as_file(source) as file:
        content = file.read()
    if content.startswith(b"RIFF"):
        return {"found": "a recording"}, 0, ()
    attempt, _, argument = content.decode().partition(" ")
    if attempt == "claim":
        return {"duration": json.loads(argument)}, 0, ()
    try:
        found = ATTEMPTS[attempt](argument)
    except (OSError, ValueError) as error:
        found = f"refused: {type(error).__name__}"
    return {"found": str(found)}, 0, ()


def read(path: str) -> str:
    return Path(path).read_text()


def read_raw(path: str) -> int:
    """Past Python, with the descriptor that the least number would have."""
    os.close(0)
    return checked(ctypes.CDLL(None, use_errno=True).open(path.encode(), os.O_RDONLY))


def write(path: str) -> str:
    Path(path).write_text("I was here")
    return "written"


def listed(path: str) -> str:
    return " ".join(os.listdir(path))  # noqa: PTH208 - a plain call of the kernel


def connect(port: str) -> str:
    with socket.socket() as called:
        called.connect(("127.0.0.1", int(port)))
    return "connected"


def pair(_: str) -> str:
    socket.socketpair()
    return "a socket"


def fork(_: str) -> str:
    child = os.fork()
    if not child:
        os._exit(0)
    return "forked"


def execute(_: str) -> str:
    os.execv("/bin/sh", ["sh", "-c", "true"])


def spawn(_: str) -> str:
    return str(subprocess.run(["/bin/true"], check=True))


def kill(process: str) -> str:
    os.kill(int(process), signal.SIGKILL)
    return "killed"


def trace(process: str) -> int:
    return checked(ctypes.CDLL(None, use_errno=True).ptrace(16, int(process), 0, 0))


def raise_limits(_: str) -> str:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    return "raised"


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def allocate(size: str) -> str:
    held = mmap.mmap(-1, int(size))
    for page in range(0, int(size), mmap.PAGESIZE):
        held[page] = 1
    return "allocated"


def grow(_: str) -> str:
    """What it writes of its answer is memory as well."""
    for descriptor in range(3, 10):
        try:
            os.ftruncate(descriptor, 8 << 30)
        except OSError:
            continue
        return "grown"
    raise OSError("refused")


def exhaust(_: str) -> str:
    return "x" * (8 << 30)


def loop(_: str) -> str:
    while True:
        pass


def sleep(_: str) -> str:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(1000)
    return "slept"


def crash(_: str) -> str:
    ctypes.string_at(0)
    return "survived"


def abort(_: str) -> None:
    os.abort()


def leave(_: str) -> None:
    os._exit(0)


def lie(_: str) -> dict[str, Any]:
    raise RuntimeError("made up")


def environment(_: str) -> str:
    return " ".join(os.environ)


def thread(_: str) -> str:
    import threading

    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()
    return "a thread"


ATTEMPTS = {
    function.__name__: function
    for function in (
        read, read_raw, write, listed, connect, pair, fork, execute, spawn, kill, trace,
        raise_limits, allocate, grow, exhaust, loop, sleep, crash, abort, leave, lie, environment,
        thread,
    )
}  # fmt: skip
