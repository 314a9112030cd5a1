"""``POST /predict`` answers 202 with a job's id; the result comes to ``webhook_url``.

``python -m platforms.lightning.server`` runs it. The process that LitServe starts for the models
holds the queue; what waits in it survives a restart.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import replace
from typing import Any

import litserve
from fastapi import HTTPException
from fastapi.responses import JSONResponse

from platforms.core import Sources
from platforms.lightning import requests
from platforms.lightning.deliveries import Deliveries
from platforms.lightning.jobs import Jobs
from platforms.lightning.queues import DiskQueue
from platforms.lightning.requests import JobRequest
from platforms.lightning.settings import LightningSettings
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable


class TranscriptionAPI(litserve.LitAPI):  # type: ignore[misc] # not in the environment of mypy
    """Hands requests over to the queue: LitServe itself answers when the work is done."""

    def __init__(self, settings: LightningSettings, sources: Sources) -> None:
        super().__init__()
        self._settings = settings
        self._sources = sources

    def setup(self, device: str) -> None:
        """Loads the models and takes up the queue, in the process that runs them."""
        from platforms.worker import Worker  # noqa: PLC0415 - torch, in this process alone

        logging.basicConfig(level=logging.WARNING)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        core = replace(self._settings.core, device=device.partition(":")[0])
        self._worker = Worker(core, self._sources)
        self._waiting = DiskQueue(self._settings.queue_dir, "jobs")
        outgoing = DiskQueue(self._settings.queue_dir, "deliveries")
        deliveries = Deliveries(outgoing, self._settings, self._sources.policy)
        self._jobs = Jobs(self._waiting, self._worker, deliveries)
        deliveries.start()
        self._jobs.start()

    def decode_request(self, request: dict[str, Any]) -> JobRequest:
        """The job; 422 for what cannot be used, 503 for a model that is missing, 429 when full."""
        if len(self._waiting) >= self._settings.queue_limit:
            raise HTTPException(429, "The queue is full; try again later.")
        try:
            job = requests.read(request, self._settings)
            self._worker.check(job.options)
            asyncio.run(requests.check_addresses(job, self._sources.policy))
        except InvalidInput as error:
            raise HTTPException(422, requests.problem(error)) from None
        except ModelUnavailable as error:
            raise HTTPException(503, str(error)) from None
        return job

    def predict(self, request: JobRequest) -> str:
        """The accepted job's id."""
        return self._jobs.accept(request)

    def encode_response(self, job: str) -> JSONResponse:
        """202: accepted, not yet done."""
        return JSONResponse({"job_id": job, "status": "accepted"}, 202)


def _end_with_parent() -> None:
    """A server that was killed must not leave a process behind that holds its queue."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _stop_on_sigterm() -> None:
    """What stops a container; LitServe itself ends its processes on Ctrl-C alone."""
    first = os.getpid()

    def stop(*_arguments: object) -> None:
        if os.getpid() == first:
            raise KeyboardInterrupt
        sys.exit(0)  # in a process that LitServe forked from this one

    signal.signal(signal.SIGTERM, stop)


def main() -> int:
    """Serves until a signal; 2 when a variable cannot be used."""
    try:
        settings = LightningSettings.from_environment(os.environ)
        sources = Sources.from_environment(os.environ)
    except SettingsError as error:
        print(f"lightning: {error}", file=sys.stderr)
        return 2
    if not settings.secret:
        print("lightning: LIGHTNING_WEBHOOK_SECRET is not set; webhooks are not signed")
    accelerator = settings.core.device
    server = litserve.LitServer(
        TranscriptionAPI(settings, sources),
        accelerator=accelerator,
        devices=1,  # more would be more queues, and jobs no longer in order
        workers_per_device=1,
        restart_workers=True,
    )
    _stop_on_sigterm()
    server.run(host=settings.host, port=settings.port, generate_client_file=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
