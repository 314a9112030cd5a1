"""Recordings decoded in a sandbox: the same samples, from a process that can do nothing else."""

import fcntl
import math
import mmap
import os
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from transcription.audio.decode import MAX_SECONDS, Recording
from transcription.audio.samples import SAMPLE_RATE, Samples
from transcription.errors import InvalidAudio
from transcription.notices import SENTENCES
from transcription.sandbox.client import Answer, Report, Sandbox
from transcription.sandbox.confinement import Bounds
from transcription.sandbox.protocol import DESCRIPTION

_SAMPLE = 4  # bytes
_MOST_CHANNELS = 255  # FFmpeg's layouts have no more
_LEAST_SECONDS, _FASTER = 60.0, 36.0  # slower than any codec on the slowest machine for Whisper
# What FFmpeg takes, and the samples as they come and once more as a whole; a mix is added to them.
_LEAST_MEMORY, _COPIES = 1 << 30, 3
_LOOK = Bounds(seconds=15.0, memory=1 << 30, result=1 << 20)  # at a head, whoever wrote it


class Reader(Protocol):
    """What decodes recordings: `transcription.audio.read`, or `Decoder.read`."""

    def __call__(
        self,
        source: Path | bytes,
        *,
        track: str | None = None,
        max_seconds: float = MAX_SECONDS,
        channel: int | None = None,
    ) -> Recording: ...


class Decoder:
    """Decodes recordings in processes of their own."""

    def __init__(self) -> None:
        self._sandbox: Final = Sandbox("transcription.sandbox.decoding")
        self._sandbox.start()

    def report(self, *, required: bool) -> Report:
        """As `Sandbox.report`."""
        return self._sandbox.report(required=required)

    def close(self) -> None:
        """End its processes."""
        self._sandbox.close()

    def seconds(self, source: Path, track: str | None, *, apart: bool) -> float | None:
        """How long samples will be, also of all channels ``apart``; None where nothing tells.

        Raises InvalidAudio or InvalidInput.
        """
        with self._sandbox.asked(source, {"look": True, "track": track}, _LOOK) as answer:
            described: Any = answer.description
        seconds = described.get("duration")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            return None
        return seconds * (described["channels"] if apart else 1)

    def read(
        self,
        source: Path | bytes,
        *,
        track: str | None = None,
        max_seconds: float = MAX_SECONDS,
        channel: int | None = None,
    ) -> Recording:
        """As `transcription.audio.read`; InvalidAudio also for what crashes or hangs a decoder."""
        most = math.ceil(max_seconds * SAMPLE_RATE) * _SAMPLE
        bounds = Bounds(
            seconds=_LEAST_SECONDS + max_seconds / _FASTER,
            memory=_LEAST_MEMORY + _COPIES * most,
            result=DESCRIPTION + most,
        )
        asked = {"track": track, "max_seconds": max_seconds, "channel": channel}
        with self._sandbox.asked(source, asked, bounds) as answer:
            return Recording(_samples(answer), _warnings(answer), _channels(answer))


def _samples(answer: Answer) -> Samples:
    """The samples where the worker wrote them: nothing is copied."""
    file = answer.file.fileno()
    size = os.fstat(file).st_size - DESCRIPTION
    if size <= 0 or size % _SAMPLE:
        raise InvalidAudio("the audio track holds no sound")
    if hasattr(fcntl, "F_ADD_SEALS"):
        # A file that became shorter while it is read would end this process.
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    written = mmap.mmap(file, size, offset=DESCRIPTION, access=mmap.ACCESS_COPY)
    return np.frombuffer(written, dtype=np.float32)


def _channels(answer: Answer) -> int:
    said = answer.description.get("channels")
    return said if isinstance(said, int) and 0 < said <= _MOST_CHANNELS else 1


def _warnings(answer: Answer) -> tuple[str, ...]:
    said = answer.description.get("warnings")
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        return ()
    return tuple(each for each in said if each.partition(":")[0] in SENTENCES)
