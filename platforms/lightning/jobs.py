"""Jobs: one at a time, in the order they came, each ending in one webhook."""

import asyncio
import logging
import threading
import time
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from platforms.core import Recording, explain
from platforms.lightning.deliveries import Deliveries
from platforms.lightning.queues import DiskQueue, Item
from platforms.lightning.requests import JobRequest
from transcription.errors import TranscriptionError
from transcription.options import NAMES, SECRETS, Options
from transcription.wire import to_wire

if TYPE_CHECKING:  # it imports torch, which the process that answers requests does without
    from platforms.worker import Worker

MAX_RUNS = 3  # a job that took its process down so often is not run again

_log = logging.getLogger(__name__)


class Jobs:
    """Accepts jobs onto the disk and works on them in a thread."""

    def __init__(self, queue: DiskQueue, worker: "Worker", deliveries: Deliveries) -> None:
        self._queue = queue
        self._worker = worker
        self._deliveries = deliveries

    def start(self) -> None:
        """Begins with what an earlier process left."""
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    def accept(self, request: JobRequest) -> str:
        """The new job's id; it is on disk then and survives this process."""
        job = uuid.uuid4().hex
        asked = asdict(request.options)
        # A token belongs in no file; what it is good for was loaded when the request was checked.
        options = {name: asked[name] for name in NAMES if name not in SECRETS}
        self._queue.put(
            {
                "id": job,
                "audio_url": request.audio_url,
                "webhook_url": request.webhook_url,
                "model": self._worker.model(request.options),
                "words": request.words,
                "options": options,
            }
        )
        return job

    def _work(self) -> None:
        while True:
            if item := self._queue.get():
                try:
                    self._finish(item)
                except Exception:  # the disk is full, for example; the next start tries again
                    _log.exception("job %s", item.content.get("id"))

    def _finish(self, item: Item) -> None:
        """Runs the job. Its result is on disk before the job is forgotten."""
        job = item.content
        about = {"job_id": job["id"], "model": job["model"], "language": job["options"]["language"]}
        try:
            if item.tries >= MAX_RUNS:
                raise TranscriptionError(f"The server was lost {MAX_RUNS} times during this job.")
            self._queue.begin(item)
            result = {"status": "succeeded", **asyncio.run(self._transcribe(job))}
        except Exception as error:
            result = {"status": "failed", "error": explain(error)}
        self._deliveries.add(job["webhook_url"], {**about, **result})
        self._queue.done(item)

    async def _transcribe(self, job: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        options = Options.from_inputs(job["options"])
        report = await self._worker.run(Recording("audio_url", job["audio_url"]), options)
        wire = to_wire(report.transcript, options)
        words = [word for segment in wire["segments"] for word in segment.get("words", [])]
        stages = {f"{stage}_seconds": round(took, 4) for stage, took in report.seconds.items()}
        total = time.perf_counter() - began
        return {
            "language": wire["detected_language"],
            "duration": wire["duration"],
            "segments": wire["segments"],
            "words": words if job["words"] else None,
            "warnings": wire["warnings"],
            **({"formatted": wire["formatted"]} if "formatted" in wire else {}),
            "timings": {**stages, "total_seconds": round(total, 4)},
        }
