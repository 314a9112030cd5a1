"""A job's input becomes ``model_output`` and ``joined_text``, or ``error``."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from platforms.core import Recording, explain
from platforms.runpod import inputs
from platforms.runpod.settings import RunpodSettings
from platforms.worker import Worker
from transcription.findings import Report
from transcription.options import Options
from transcription.wire import to_wire

Job = dict[str, Any]
SendProgress = Callable[[Job, float], Awaitable[None]]

_STEP = 0.05  # of the work, between two updates


class _Stopped(BaseException):
    """The platform no longer wants the job. No Exception: nothing may take it for a failure."""


class Handler:
    """Runs jobs; ``send`` sends a job's progress to the platform."""

    def __init__(self, settings: RunpodSettings, worker: Worker, send: SendProgress) -> None:
        self._settings = settings
        self._worker = worker
        self._send = send

    async def __call__(self, job: Job) -> dict[str, Any]:
        """The job's output. Nothing is raised: a client reads no traceback."""
        try:
            recording, options, warnings = inputs.read(job.get("input"), self._settings)
            report = await self._run(job, recording, options)
        except Exception as error:
            return {"error": explain(error)}
        if self._settings.debug:
            print({stage: round(seconds, 3) for stage, seconds in report.seconds.items()})
        return _rendered(report, options, warnings)

    async def _run(self, job: Job, recording: Recording, options: Options) -> Report:
        """Tells the platform how far it is, and stops when the job is cancelled."""
        loop, updates = asyncio.get_running_loop(), _Updates(job, self._send)
        stopped = threading.Event()

        def progress(share: float) -> None:
            if stopped.is_set():
                print(f"{job['id']}: stopped at {share:.0%}")
                raise _Stopped
            loop.call_soon_threadsafe(updates.note, share)

        reporting = asyncio.create_task(updates.run())
        try:
            return await self._worker.run(recording, options, progress)
        finally:
            stopped.set()
            # Before the result is sent: an update that came after it would undo it.
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)


class _Updates:
    """Sends the newest share, one update at a time; older ones that were not sent are dropped."""

    def __init__(self, job: Job, send: SendProgress) -> None:
        self._job, self._send = job, send
        self._share = self._sent = 0.0
        self._news = asyncio.Event()

    def note(self, share: float) -> None:
        self._share = share
        if share - self._sent >= _STEP:
            self._news.set()

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._sent = self._share
            await self._send(self._job, self._sent)


def _rendered(report: Report, options: Options, warnings: list[str]) -> dict[str, Any]:
    wire = to_wire(report.transcript, options)
    output = {**wire, "language": wire["detected_language"]}
    return {
        "model_output": {**output, "warnings": [*warnings, *wire["warnings"]]},
        "joined_text": report.transcript.text,
    }
