"""The worker: a job's input becomes ``model_output`` and ``joined_text``, or ``error``.

``python -m platforms.runpod.handler`` runs it: on RunPod as a worker, elsewhere with
``test_input.json`` of the working directory, or with ``--rp_serve_api`` as a local API.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import runpod
from runpod.http_client import AsyncClientSession
from runpod.serverless.modules.rp_http import send_result

from platforms.core import Sources, explain
from platforms.runpod import inputs
from platforms.runpod.settings import RunpodSettings
from platforms.worker import Worker
from transcription.environment import SettingsError
from transcription.findings import Report
from transcription.options import Options
from transcription.wire import to_wire

Job = dict[str, Any]
SendProgress = Callable[[Job, float], Awaitable[None]]

_STEP = 0.05  # of the work, between two updates


class _Stopped(BaseException):
    """The platform no longer wants the job. No Exception: nothing may take it for a failure."""


class Handler:
    """Runs jobs; ``tell`` sends a job's progress to the platform."""

    def __init__(
        self, settings: RunpodSettings, worker: Worker, sources: Sources, send: SendProgress
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._sources = sources
        self._send = send

    async def __call__(self, job: Job) -> dict[str, Any]:
        """The job's output. Nothing is raised: a client reads no traceback."""
        try:
            options, warnings = inputs.read(job.get("input"), self._settings)
            await asyncio.to_thread(self._worker.check, options)
            async with (
                inputs.recording(job["input"], self._sources) as (source, name),
                self._sources.with_clips(options) as ready,
            ):
                report = await self._transcribe(job, source, name, ready)
        except Exception as error:
            return {"error": explain(error)}
        if self._settings.debug:
            print({stage: round(seconds, 3) for stage, seconds in report.seconds.items()})
        return _rendered(report, ready, warnings)

    async def _transcribe(self, job: Job, source: Any, name: str, options: Options) -> Report:
        """Works in a thread, so that the worker still answers the platform."""
        loop, updates = asyncio.get_running_loop(), _Updates(job, self._send)
        stopped = threading.Event()

        def progress(share: float) -> None:
            if stopped.is_set():
                print(f"{job['id']}: stopped at {share:.0%}")
                raise _Stopped
            loop.call_soon_threadsafe(updates.note, share)

        reporting = asyncio.create_task(updates.run())
        try:
            return await asyncio.to_thread(self._worker.transcribe, source, name, options, progress)
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


async def send_update(job: Job, share: float) -> None:
    """What RunPod shows as the output of a job that is IN_PROGRESS."""
    update = {"status": "IN_PROGRESS", "output": {"progress": round(share, 2)}}
    async with AsyncClientSession() as session:
        await send_result(session, update, job)


async def send_nothing(_job: Job, _share: float) -> None:
    """For runs outside the platform."""


def main() -> int:
    """Starts RunPod's worker; 2 when a variable cannot be used."""
    environment = os.environ
    try:
        settings = RunpodSettings.from_environment(environment)
        sources = Sources.from_environment(environment)
        worker = Worker(settings.core)
    except SettingsError as error:
        print(f"runpod: {error}", file=sys.stderr)
        return 2
    # The library's own default writes jobs and results to the log: what was said belongs in none.
    if "RUNPOD_LOG_LEVEL" not in environment:
        runpod.RunPodLogger().set_level("DEBUG" if settings.debug else "INFO")
    on_platform = "RUNPOD_WEBHOOK_POST_OUTPUT" in environment
    send = send_update if on_platform else send_nothing
    runpod.serverless.start({"handler": Handler(settings, worker, sources, send)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
