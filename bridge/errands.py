"""What is done besides running predictions: downloads, webhooks to clients, deadlines."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Final

from docket import Retry
from redis.exceptions import RedisError

from bridge.audio import check_audio
from bridge.files import Files
from bridge.prediction import Refused
from bridge.queue import Queue, insist
from bridge.settings import Settings
from bridge.store import Store
from bridge.webhooks import ATTEMPTS, Webhooks
from outbound.fetch import FetchFailed, Limits, fetch
from transcription.errors import TranscriptionError

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
        """Task: have the recording here before its turn comes."""
        prediction = await insist(lambda: self._store.get(prediction_id))
        if prediction is None or prediction.terminal or prediction.source is None:
            return
        path = self._files.path(prediction.recording)
        arriving = path.with_name(f"{path.name}.part")
        try:
            error = await self._download(prediction.source, arriving)
            if error is None:
                arriving.rename(path)
        finally:
            arriving.unlink(missing_ok=True)
        if error is not None:
            await insist(lambda: self._queue.apply(prediction_id, Refused(error)))
            return
        current = await insist(lambda: self._store.get(prediction_id))
        if current is None or current.terminal:
            self._files.remove(prediction.recording)
        else:
            await insist(lambda: self._queue.submit(current))

    async def _download(self, source: str, target: Path) -> str | None:
        """Fetch and check a recording; the reason if it cannot be used."""
        settings = self._settings
        limits = Limits(await self._files.room(), settings.fetch_timeout)
        try:
            await fetch(source, target, policy=settings.policy, limits=limits)
            await check_audio(target, settings.max_audio_seconds)
        except FetchFailed as failure:
            return f"audio_file: could not be downloaded: {failure}"
        except TranscriptionError as failure:
            return failure.detail
        except OSError:
            _log.exception("the recording cannot be stored")
            return "audio_file: could not be stored; the service's disk is full or failing"
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
