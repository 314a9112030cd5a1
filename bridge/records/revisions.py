"""Corrections of predictions that succeeded, in Redis beside the first output.

A record that was corrected stays until it is deleted. Who saves says which revision was corrected:
of two that correct the same one, the second gets an error, and loses nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, scripts
from bridge.records.sealed import CORRECTED, EDITS, Sealed
from bridge.records.tenants import Key
from transcription.errors import TranscriptionError

_FIELDS = ["revision", "edits", "saved_at"]
_LISTS = (keys.KEPT, keys.ALL)


class TooManyKept(TranscriptionError):
    """As many corrected transcripts are kept as the operator allows."""

    status = 507


@dataclass(frozen=True, slots=True)
class Revision:
    """The corrections so far: all edits of the first output. Number 0 has none."""

    number: int = 0
    edits: Sequence[Mapping[str, Any]] = ()
    saved_at: datetime | None = None


class Revisions:
    """Keeps one revision per prediction, the newest; its edits lead back to all before it."""

    def __init__(self, redis: "Redis", sealed: Sealed, limit: int) -> None:
        self._redis: Final = redis
        self._sealed: Final = sealed
        self._limit: Final = limit
        self._save: Final = redis.register_script(scripts.SAVE_REVISION)

    async def get(self, prediction_id: Key) -> Revision:
        """The newest revision, number 0 where nothing was corrected."""
        number, edits, saved_at = await self._redis.hmget(keys.prediction(prediction_id), _FIELDS)
        text = self._sealed.open(edits, EDITS, prediction_id)
        if number is None or text is None:
            return Revision()
        try:
            moment = datetime.fromisoformat(keys.text(saved_at))
            return Revision(int(number), json.loads(text), moment)
        except ValueError:  # these two have no seal
            self._sealed.refuse(EDITS, prediction_id)
            return Revision()

    async def output(self, prediction_id: Key) -> bytes | None:
        """The corrected output as JSON text; None where nothing was corrected."""
        found = await self._redis.hget(keys.prediction(prediction_id), "revised")
        text = self._sealed.open(found, CORRECTED, prediction_id)
        return None if text is None else text.encode()

    async def save(
        self,
        prediction_id: Key,
        corrected: int,
        edits: Sequence[Mapping[str, Any]],
        output: Mapping[str, Any],
        now: datetime,
    ) -> Revision | None:
        """Keep the next revision after number ``corrected``, and the record with it.

        None when another one was saved since, or the record is gone. Raises TooManyKept.
        """
        number: Any = await self._save(
            keys=[keys.prediction(prediction_id), *map(prediction_id.tenant.own, _LISTS)],
            args=[
                prediction_id,
                corrected,
                # As sent, halves of characters and all.
                self._sealed.close(json.dumps(edits, separators=(",", ":")), EDITS, prediction_id),
                self._sealed.dump(output, CORRECTED, prediction_id),
                now.isoformat(),
                now.timestamp(),
                self._limit,
            ],
        )
        if number == scripts.FULL:
            raise TooManyKept("No more corrected transcripts can be kept; delete some first.")
        return Revision(number, edits, now) if number > 0 else None
