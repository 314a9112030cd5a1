"""The tasks beside running predictions: downloads, webhooks to clients, deadlines."""

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from docket import Retry
from redis.exceptions import RedisError

from bridge.recordings.arrive import Arrivals, Arrived
from bridge.recordings.files import Files
from bridge.records.api_keys import KeyFile
from bridge.records.connections import until_redis_answers
from bridge.records.limits import Claim, LimitReached, Meter
from bridge.records.prediction import Prediction, Recording, Rejected
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.tasks.lifecycle import Lifecycle
from bridge.tasks.queue import Queue
from bridge.tasks.tracing import PREDICTION, span
from bridge.tasks.webhooks import ATTEMPTS, Webhooks
from transcription.errors import InvalidInput
from transcription.options import REFERENCES, TRACK

REDIS_PAUSE = timedelta(seconds=5)  # before a delivery that Redis interrupted is tried again

_log = logging.getLogger(__name__)


class Transfers:
    """The work of the dockets `errands` (downloads and deadlines) and `deliveries` (webhooks)."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a transfer touches
        self,
        store: Store,
        files: Files,
        arrivals: Arrivals,
        lifecycle: Lifecycle,
        queue: Queue,
        webhooks: Webhooks,
        meter: Meter,
        keys: KeyFile,
    ) -> None:
        self._meter: Final = meter
        self._keys: Final = keys
        self._store: Final = store
        self._files: Final = files
        self._arrivals: Final = arrivals
        self._lifecycle: Final = lifecycle
        self._queue: Final = queue
        self._webhooks: Final = webhooks

    async def fetch(self, prediction_id: str) -> None:
        """Task: have the prediction's recordings here before its turn comes."""
        key = Key(prediction_id)
        await self._fetch(key)
        self._queue.fetches.leave(key)

    async def _fetch(self, key: Key) -> None:
        prediction = await until_redis_answers(lambda: self._store.get(key))
        if prediction is None or prediction.terminal:
            return
        error = await self._download_all(prediction)
        if error is not None:
            refused = Rejected(error)
            await until_redis_answers(partial(self._lifecycle.apply, key, refused))
            return
        current = await until_redis_answers(lambda: self._store.get(key))
        if current is None or current.terminal:
            self._files.remove(*(one.name for one in prediction.recordings))
        else:
            await until_redis_answers(lambda: self._queue.submit(current))

    async def _download_all(self, prediction: Prediction) -> str | None:
        """Have what is missing here, within the key's limits; the reason if it cannot be used."""
        missing = self._files.missing(prediction.recordings)
        size = 0
        seconds: float | None = 0.0
        try:
            for recording in missing:
                arrived = await self._download(recording, prediction)
                size += arrived.bytes
                if recording not in prediction.references:
                    seconds = arrived.seconds
            limits = self._keys.limits(prediction.key_id)
            claim = Claim(prediction.key_id, limits, seconds, size)
            await until_redis_answers(lambda: self._meter.charge(claim, prediction.id))
            if seconds:
                await until_redis_answers(partial(self._store.add_length, prediction.id, seconds))
        except InvalidInput as failure:
            return failure.detail
        except LimitReached as reached:
            return reached.detail
        except OSError:
            _log.exception("the recording cannot be stored")
            return "audio_file: could not be stored; the service's disk is full or failing"
        except RedisError:
            raise
        except Exception:  # else it would be fetched again with every sweep
            _log.exception("prediction %s: unexpected error", prediction.id)
            return "The service met an unexpected error."
        return None

    async def _download(self, recording: Recording, prediction: Prediction) -> Arrived:
        """Have a recording, or a known speaker's clip, here."""
        clip = recording in prediction.references
        field, track = (REFERENCES, None) if clip else ("audio_file", prediction.input.get(TRACK))
        attributes = {PREDICTION: prediction.id.public, "whisperx.input": field}
        with span("fetch", prediction.traceparent, "CLIENT", attributes):
            return await self._arrivals.download(
                recording.name, field, str(recording.source), track
            )

    async def deliver(
        self,
        prediction_id: str,
        event: str,
        retry: Retry = Retry.forever(),  # noqa: B008 - how docket declares a dependency
    ) -> None:
        """Task: try to hand a client its webhook; docket tries again for as long as it is asked."""
        try:
            pause = await self._webhooks.attempt(Key(prediction_id), event)
        except RedisError:
            pause = REDIS_PAUSE
        except Exception:
            _log.exception("prediction %s: webhook `%s`", prediction_id, event)
            pause = REDIS_PAUSE if retry.attempt < ATTEMPTS else None
        if pause is not None:
            retry.after(pause)

    async def cancel(self, prediction_id: str) -> None:
        """Task: the prediction's deadline has come."""
        await until_redis_answers(lambda: self._lifecycle.cancel(Key(prediction_id)))
