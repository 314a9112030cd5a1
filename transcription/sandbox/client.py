"""Hands recordings to a sandbox, and reads its answer as untrusted data."""

import json
import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from transcription.environment import SettingsError
from transcription.errors import InvalidAudio, InvalidInput, TranscriptionError
from transcription.sandbox.confinement import Bounds, Level
from transcription.sandbox.protocol import DESCRIPTION, DONE, ENDS_OUT_OF_MEMORY, status_of
from transcription.stopping import check

_ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.25  # between looks whether the request was canceled
_START_SECONDS = 60.0  # of a new Python on a busy machine
_REASON_CHARACTERS = 400
_USUAL = 1 << 14  # bytes of a description
_CRASHED = "is damaged in a way that the decoder does not survive"
_TOO_LONG = "takes too long to decode"
_TOO_LARGE = "takes more memory to decode than a recording may have"
_UNAVAILABLE = "No recording can be decoded at the moment: no decoder starts."
_log = logging.getLogger(__name__)


class DecoderUnavailable(TranscriptionError):
    """No process to decode in could be started."""

    status = 503


@dataclass(frozen=True, slots=True)
class Report:
    """How workers are confined, and the version of FFmpeg that decodes."""

    level: Level
    ffmpeg: str

    def as_json(self) -> dict[str, str]:
        """As `/health` and the log show it."""
        return {"sandbox": str(self.level), "ffmpeg": self.ffmpeg}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker gave. ``file`` holds its samples from ``DESCRIPTION`` on."""

    description: Mapping[str, Any]
    file: BinaryIO


class Sandbox:
    """Does the job of one module, in a process of its own for each recording. Threads share it."""

    def __init__(self, module: str) -> None:
        self._module: Final = module
        self._lock: Final = threading.Lock()
        self._keeper: _Keeper | None = None
        self._closed = False

    def start(self) -> None:
        """Have it ready soon; the first recording does so as well."""
        self._running()

    def close(self) -> None:
        """End its processes. What is asked later finds none."""
        with self._lock:
            self._closed = True
            if self._keeper is not None:
                self._keeper.close()

    def report(self, *, required: bool) -> Report:
        """What it says of itself, once it has started.

        Raises SettingsError where something is missing that is ``required``.
        """
        report = self._running().report()
        if required and not report.level.full:
            raise SettingsError(
                "DECODER_SANDBOX is required, but this kernel, or what runs the container, allows "
                f"{report.level} alone; landlock and seccomp belong to it"
            )
        return report

    @contextmanager
    def asked(
        self, source: Path | bytes, arguments: Mapping[str, Any], bounds: Bounds
    ) -> Iterator[Answer]:
        """The answer of a worker that got the recording, open while the block runs.

        Raises InvalidAudio or InvalidInput, also where the worker crashed or was ended.
        """
        name = source.name if isinstance(source, Path) else ""
        asked = {"name": name, "arguments": arguments, "bounds": asdict(bounds)}
        with _opened(source) as recording, _memory() as exchange:
            exchange.write(json.dumps(asked).encode())
            exchange.flush()
            self._work(recording, exchange, bounds.seconds)
            yield Answer(_described(exchange), exchange)

    def _work(self, recording: BinaryIO, exchange: BinaryIO, seconds: float) -> None:
        """Returns when a worker says that it is done."""
        for _ in range(2):  # a keeper that died is replaced once
            keeper = self._running()
            said = keeper.hand_over(recording, exchange, seconds)
            if said:
                break
            keeper.close()
        else:
            raise DecoderUnavailable(_UNAVAILABLE)
        if said == DONE:
            return
        status = status_of(said)
        _log.warning("a recording ended its decoder: %s", status)
        raise InvalidAudio(_TOO_LARGE if status == ENDS_OUT_OF_MEMORY else _CRASHED)

    def _running(self) -> "_Keeper":
        with self._lock:
            if self._closed:
                raise DecoderUnavailable(_UNAVAILABLE)
            if self._keeper is not None and self._keeper.ended:
                self._keeper.close()
                self._keeper = None
            if self._keeper is None:
                self._keeper = _Keeper(self._module)
            return self._keeper


class _Keeper:
    """The process that forks workers."""

    def __init__(self, module: str) -> None:
        self._control, there = socket.socketpair()
        self._lock: Final = threading.Lock()
        self._report: Report | None = None
        command = [sys.executable, "-P", "-m", "transcription.sandbox.keeper"]
        with there:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [*command, module, str(there.fileno())],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                pass_fds=[there.fileno()],
                process_group=0,  # what stops the host must not stop this first
            )

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """The process ends when its control socket is closed."""
        self._control.close()
        self._process.wait()

    def report(self) -> Report:
        """Its report about itself at its start."""
        with self._lock:
            if self._report is None:
                poll = select.poll()
                poll.register(self._control, select.POLLIN)
                ready = poll.poll(1e3 * _START_SECONDS)
                line = self._control.makefile("rb").readline() if ready else b""
                if not line:
                    raise DecoderUnavailable(_UNAVAILABLE)
                said = json.loads(line)
                level = Level(landlock=said["landlock"], seccomp=said["seccomp"])
                self._report = Report(level, said["ffmpeg"])
            return self._report

    def hand_over(self, recording: BinaryIO, exchange: BinaryIO, seconds: float) -> bytes:
        """What a worker, or its end, says; nothing where the keeper has died."""
        here, there = socket.socketpair()
        with here:
            handed = [recording.fileno(), exchange.fileno(), there.fileno()]
            try:
                with there, self._lock:
                    socket.send_fds(self._control, [b"."], handed)
                deadline = time.monotonic() + seconds
                while not select.select([here], [], [], _LOOK_SECONDS)[0]:
                    check()
                    if time.monotonic() > deadline:
                        raise InvalidAudio(_TOO_LONG)
                return here.recv(len(DONE))
            except OSError:
                return b""


def _environment() -> dict[str, str]:
    """What the process gets: where code lies, and nothing else of this one's environment."""
    libraries = os.environ.get("LD_LIBRARY_PATH")
    return {
        "PYTHONPATH": os.pathsep.join((str(_ROOT), *filter(None, sys.path))),
        **({"LD_LIBRARY_PATH": libraries} if libraries else {}),
        "LC_ALL": "C.UTF-8",
        # A fork takes no threads along.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # Large pages: new memory costs a worker more than to decode into it, 4 kB at a time.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }


@contextmanager
def _opened(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
    else:
        with _memory() as file:
            file.write(source)
            file.seek(0)
            yield file


def _memory() -> BinaryIO:
    """A file without a name, in memory where there is such a thing."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("recording", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    return tempfile.TemporaryFile()


def _described(exchange: BinaryIO) -> Mapping[str, Any]:
    text, ended, _ = os.pread(exchange.fileno(), _USUAL, 0).partition(b"\n")
    if not ended:
        text = os.pread(exchange.fileno(), DESCRIPTION, 0).partition(b"\n")[0]
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidAudio(_CRASHED) from None
    if not isinstance(description, dict) or "broke" in description:
        _log.warning("a recording ended its decoder: %s", str(description)[:_REASON_CHARACTERS])
        raise InvalidAudio(_CRASHED)
    if "refused" in description:
        raise _refusal(description["refused"])
    return description


def _refusal(said: Any) -> InvalidInput:
    match said:
        case [None, str(reason)]:
            return InvalidAudio(reason[:_REASON_CHARACTERS])
        case [str(field), str(reason)]:
            return InvalidInput(field[:_REASON_CHARACTERS], reason[:_REASON_CHARACTERS])
    return InvalidAudio(_CRASHED)
