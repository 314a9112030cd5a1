"""What is done besides running predictions: downloads, webhooks to clients, deadlines."""

import logging
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from docket import Retry
from redis.exceptions import RedisError

from bridge.recordings.files import Files
from bridge.recordings.probe import check_audio, check_clip
from bridge.records.prediction import Recording, Refused
from bridge.records.store import Store
from bridge.settings import Settings
from bridge.tasks.queue import Queue, insist
from bridge.tasks.webhooks import ATTEMPTS, Webhooks
from outbound.fetch import FetchFailed, Limits, fetch
from transcription.errors import TranscriptionError
from transcription.options import REFERENCES

REDIS_PAUSE = timedelta(seconds=5)  # before a delivery that Redis interrupted is tried again

_log = logging.getLogger(__name__)


class Errands:
    """The work of the docket `errands`."""

    def __init__(
        self, settings: Settings, store: Store, files: Files, queue: Queue, webhooks: Webhooks
    ) -> None:
        self._settings: Final = settings
        self._store: Final = store
        self._files: Final = files
        self._queue: Final = queue
        self._webhooks: Final = webhooks

    async def fetch(self, prediction_id: str) -> None:
        """Task: have the prediction's recordings here before its turn comes."""
        prediction = await insist(lambda: self._store.get(prediction_id))
        if prediction is None or prediction.terminal:
            return
        for recording in self._files.missing(prediction.recordings):
            error = await self._have(recording, clip=recording in prediction.references)
            if error is not None:
                refused = Refused(error)
                await insist(partial(self._queue.apply, prediction_id, refused))
                return
        current = await insist(lambda: self._store.get(prediction_id))
        if current is None or current.terminal:
            self._files.remove(*(one.name for one in prediction.recordings))
        else:
            await insist(lambda: self._queue.submit(current))

    async def _have(self, recording: Recording, *, clip: bool) -> str | None:
        """Put a recording, or a known speaker's clip, where it belongs; the reason if it cannot."""
        path = self._files.path(recording.name)
        arriving = path.with_name(f"{path.name}.part")
        try:
            error = await self._download(str(recording.source), arriving, clip=clip)
            if error is None:
                arriving.rename(path)
            return error
        finally:
            arriving.unlink(missing_ok=True)

    async def _download(self, source: str, target: Path, *, clip: bool) -> str | None:
        """Fetch and check a recording; the reason if it cannot be used."""
        settings = self._settings
        limits = Limits(await self._files.room(), settings.fetch_timeout)
        field = REFERENCES if clip else "audio_file"
        try:
            await fetch(source, target, policy=settings.policy, limits=limits)
            await (check_clip(target) if clip else check_audio(target, settings.max_audio_seconds))
        except FetchFailed as failure:
            return f"{field}: could not be downloaded: {failure}"
        except TranscriptionError as failure:
            return failure.detail
        except OSError:
            _log.exception("the recording cannot be stored")
            return f"{field}: could not be stored; the service's disk is full or failing"
        return None

    async def deliver(
        self,
        prediction_id: str,
        event: str,
        retry: Retry = Retry.forever(),  # noqa: B008 - how docket declares a dependency
    ) -> None:
        """Task: try to hand a client its webhook; docket tries again for as long as it is asked."""
        try:
            pause = await self._webhooks.attempt(prediction_id, event)
        except RedisError:
            pause = REDIS_PAUSE
        except Exception:
            _log.exception("prediction %s: webhook `%s`", prediction_id, event)
            pause = REDIS_PAUSE if retry.attempt < ATTEMPTS else None
        if pause is not None:
            retry.after(pause)

    async def cancel(self, prediction_id: str) -> None:
        """Task: the prediction's deadline has come."""
        await insist(lambda: self._queue.cancel(prediction_id))
