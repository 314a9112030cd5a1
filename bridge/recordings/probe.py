"""A look at a recording before it is queued: is it audio, and not too long?

The bridge holds secrets and everybody's recordings, so it parses none itself.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from transcription.errors import InvalidAudio
from transcription.options import REFERENCE_SECONDS, REFERENCES
from transcription.sandbox.client import DecoderUnavailable, Report, Sandbox
from transcription.sandbox.confinement import Bounds

_log = logging.getLogger(__name__)
_SLACK = 0.05  # seconds
AT_ONCE = 32  # of which each may hang for as long as it may take
BOUNDS = Bounds(seconds=15.0, memory=1 << 30, result=1 << 20)  # of a head, whoever wrote it


class Probe:
    """Asks a sandbox what recordings are."""

    def __init__(self, module: str = "transcription.sandbox.probing") -> None:
        self._sandbox: Final = Sandbox(module)
        # Threads of its own: recordings that hang must not hold up what else is done in threads.
        self._threads: Final = ThreadPoolExecutor(AT_ONCE, "probe")
        self.report: Report | None = None  # of the sandbox, soon after the start

    @contextlib.asynccontextmanager
    async def ready(self, *, required: bool) -> AsyncIterator[None]:
        """The sandbox is there while the block runs.

        Raises SettingsError where the kernel lacks a part of it and ``required`` is set.
        """
        self._sandbox.start()
        report = asyncio.create_task(self._log_report(required=required))
        try:
            if required:
                await report
            yield
            await report
        finally:
            self._sandbox.close()
            self._threads.shutdown(wait=False)

    async def _log_report(self, *, required: bool) -> None:
        try:
            self.report = await asyncio.to_thread(self._sandbox.report, required=required)
        except DecoderUnavailable as error:
            _log.error("%s", error.detail)  # the next recording tries again
            return
        _log.info("FFmpeg %s reads recordings behind %s", self.report.ffmpeg, self.report.level)

    async def check_audio(
        self,
        path: Path,
        max_seconds: float,
        field: str = "audio_file",
        min_seconds: float = 0.0,
        track: str | None = None,
    ) -> float | None:
        """The recording's length in seconds, None where its container does not tell it.

        Raises InvalidAudio (naming ``field``) unless the file is a recording that can be used.

        Raises InvalidInput for a ``track`` that it does not have. A container that does not tell
        its duration passes; the predictor bounds what it decodes.
        """
        try:
            loop = asyncio.get_running_loop()
            duration = await loop.run_in_executor(self._threads, self._duration, path, track)
        except InvalidAudio as error:
            raise InvalidAudio(error.reason, field) from None
        if duration is not None and duration < min_seconds:
            reason = f"the recording is {duration:.1f} s long; at least {min_seconds:.0f} s"
            raise InvalidAudio(reason, field)
        if duration is not None and duration > max_seconds:
            reason = f"the recording is {duration:.0f} s long; at most {max_seconds:.0f} s"
            raise InvalidAudio(reason, field)
        return duration

    async def check_clip(self, path: Path) -> None:
        """Raises InvalidAudio unless the file can tell how a known speaker sounds."""
        shortest, longest = REFERENCE_SECONDS
        # Codecs pad a clip to whole frames.
        await self.check_audio(path, longest + _SLACK, REFERENCES, min_seconds=shortest - _SLACK)

    def _duration(self, path: Path, track: str | None) -> float | None:
        with self._sandbox.asked(path, {"track": track}, BOUNDS) as answer:
            duration: Any = answer.description.get("duration")
        known = isinstance(duration, int | float) and math.isfinite(duration)
        return duration if known else None
