"""Keeps a worker ready: ``python -m transcription.sandbox.keeper MODULE DESCRIPTOR``.

A new Python takes a tenth of a second to start, a fork of one a millisecond. This process imports
what decodes and then only forks: it never reads a recording, and it has no secrets that a fork
could inherit. It ends with the process that started it, which holds the other end of the control
socket.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from typing import Final, NoReturn

import av

from transcription.sandbox.confinement import Confinement
from transcription.sandbox.protocol import HANDED, end_of
from transcription.sandbox.worker import work

# A fork would take the processor from the recording that was just handed over.
QUIET_SECONDS = 0.005


@dataclass(slots=True)
class _Worker:
    """A child. What it gets comes by ``inbox``; how it ended is written to ``end``."""

    process: int
    inbox: socket.socket
    end: socket.socket | None = None


class Keeper:
    """The loop. One worker waits, the others work."""

    def __init__(self, work: Callable[[socket.socket], NoReturn], control: socket.socket) -> None:
        self._work: Final = work
        self._control: Final = control
        self._selector: Final = selectors.DefaultSelector()
        self._workers: Final[dict[int, _Worker]] = {}
        self._ready: _Worker | None = None
        self._ended: Final = socket.socketpair()

    def run(self) -> None:
        """Serve until the control socket is closed."""
        for one in self._ended:
            one.setblocking(False)  # noqa: FBT003 - its name
        signal.set_wakeup_fd(self._ended[1].fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._ended[0], selectors.EVENT_READ)
        while True:
            events = self._selector.select(QUIET_SECONDS if self._ready is None else None)
            if not events:
                with suppress(OSError):  # the next recording tries again
                    self._ready = self._fork()
            for key, _ in events:
                if key.data is not None:
                    self._give_up(key.data)
                elif key.fileobj is self._control:
                    if not self._hand_over():
                        return
                else:
                    self._ended[0].recv(1024)
                    self._reap()

    def _hand_over(self) -> bool:
        """Give a recording to the worker that waits; whether there was one."""
        try:
            _, handed, _, _ = socket.recv_fds(self._control, 1, HANDED)
        except ConnectionResetError:
            return False
        if len(handed) < HANDED:
            return False
        worker = self._given(handed)
        *others, end = handed
        for descriptor in others:
            os.close(descriptor)
        worker.end = socket.socket(fileno=end)
        self._selector.register(worker.end, selectors.EVENT_READ, worker)
        return True

    def _given(self, handed: Sequence[int]) -> _Worker:
        """The worker that took a recording."""
        while True:
            worker = self._ready or self._fork()
            self._ready = None
            with worker.inbox, suppress(OSError):  # it was killed while it waited
                socket.send_fds(worker.inbox, [b"."], handed)
                return worker

    def _fork(self) -> _Worker:
        here, there = socket.socketpair()
        process = os.fork()
        if not process:
            _become_worker(there, self._work)
        there.close()
        worker = self._workers[process] = _Worker(process, here)
        return worker

    def _give_up(self, worker: _Worker) -> None:
        """End the worker of a client that has closed its socket."""
        if worker.process in self._workers and worker.end is not None:
            os.kill(worker.process, signal.SIGKILL)
            self._selector.unregister(worker.end)

    def _reap(self) -> None:
        while self._workers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            worker = self._workers.pop(process)
            if worker.end is not None:
                with suppress(KeyError):  # it was given up
                    self._selector.unregister(worker.end)
                with worker.end, suppress(OSError):  # whoever asked knows already
                    worker.end.send(end_of(os.waitstatus_to_exitcode(status)))
            if worker is self._ready:
                self._ready = None


def _become_worker(inbox: socket.socket, work: Callable[[socket.socket], NoReturn]) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kept = os.dup2(inbox.fileno(), 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        work(socket.socket(fileno=kept))
    finally:
        os._exit(1)


def report() -> bytes:
    """What a worker will be confined by, and what decodes; one line of JSON."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.write(write, json.dumps(asdict(Confinement().level)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        level = json.loads(pipe.read())
    os.waitpid(process, 0)
    return json.dumps({**level, "ffmpeg": av.ffmpeg_version_info}).encode() + b"\n"


def silence() -> bytes:
    """A tenth of a second: to decode it imports what is imported late."""
    file = BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 16_000, 0, "NONE", ""))
        written.writeframes(bytes(3200))
    return file.getvalue()


def main(module: str, descriptor: int) -> None:
    """Entry point."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    found = importlib.import_module(module)
    rehearse = partial(found.job, silence(), found.EXAMPLE)
    rehearse()
    with socket.socket(fileno=descriptor) as control:
        control.sendall(report())
        gc.collect()
        gc.freeze()
        Keeper(partial(work, job=found.job, rehearse=rehearse), control).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
