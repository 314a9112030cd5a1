"""A prediction's events: each advances the record, and what follows is done here."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from bridge.recordings.files import Files
from bridge.records.changes import Change, webhook_events
from bridge.records.limits import Claim, Meter
from bridge.records.prediction import (
    CancelRequested,
    Event,
    Prediction,
    Status,
)
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.tasks import tracing
from bridge.tasks.queue import Queue

_log = logging.getLogger(__name__)


class Lifecycle:
    """Records events. All code that learns of one reports it here."""

    def __init__(
        self,
        store: Store,
        files: Files,
        queue: Queue,
        meter: Meter,
        *,
        keep_recordings: bool = False,
    ) -> None:
        self._meter: Final = meter
        self._keep_recordings: Final = keep_recordings
        self._store: Final = store
        self._files: Final = files
        self._queue: Final = queue
        self.on_change: Callable[[Change], None] = _log_change

    async def apply(
        self, prediction_id: Key, event: Event, output: Any = None
    ) -> Prediction | None:
        """Advance a record by an event; the record then, None for an unknown id.

        At its end the recordings are deleted, except for one that may be listened to. The client's
        webhooks are queued. Raises RedisError.
        """
        change = await self._store.apply(prediction_id, event, datetime.now(UTC), output)
        if change is None:
            return None
        if change.after.terminal:
            if self._keep_recordings and change.after.status is Status.SUCCEEDED:
                self._files.keep(change.after.recording)
            self._files.remove(*(one.name for one in change.after.recordings))
        if change.changed:
            self.on_change(change)
            for name in webhook_events(change):
                await self._queue.notify(prediction_id, name)
            metrics = change.after.metrics
            heard = float(metrics.get("audio_seconds", 0.0))
            if change.after.terminal and "predict_time" in metrics:
                took = float(metrics["predict_time"])
                await self._store.observe_run(prediction_id.tenant, heard, took)
            if change.after.terminal and "audio_seconds" in metrics:
                # Some recordings do not tell beforehand how long they are.
                await self._meter.charge(Claim(change.after.key_id, seconds=heard), prediction_id)
        return change.after

    async def cancel(self, prediction_id: Key) -> Prediction | None:
        """Ask for a prediction's end; the record then, None for an unknown id."""
        return await self.apply(prediction_id, CancelRequested())


def _log_change(change: Change) -> None:
    """To the log, and of the wait for the first run to the trace."""
    before, after = change.before.status, change.after.status
    if after is not before:
        _log.info("prediction %s: %s", change.after.id, after.value)
    began, ended = change.after.created_at, change.after.started_at
    if ended is not None and change.before.started_at is None:
        attributes = {tracing.PREDICTION: change.after.id.public}
        tracing.note("queue", change.after.traceparent, began, ended, attributes)
