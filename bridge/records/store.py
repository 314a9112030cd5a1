"""The records of all predictions, in Redis; `keys` names what is kept where."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, pace, scripts
from bridge.records.changes import Change, webhook_events
from bridge.records.limits import Claim
from bridge.records.lists import Lists
from bridge.records.pace import QueuePlace
from bridge.records.prediction import (
    EVENTS,
    Event,
    Prediction,
    Status,
    advance,
)
from bridge.records.sealed import OUTPUT, PEAKS, SECRETS, Sealed
from bridge.records.tenants import DEFAULT, Key, Tenant

_WITH_OUTPUT: Final = ["record", "output"]


class QueueFull(Exception):
    """There are as many unfinished predictions as the operator allows."""


class AlreadyExists(Exception):
    """The id is taken."""


class Store(Lists):
    """Keeps predictions. Raises redis.exceptions.RedisError when Redis does not answer."""

    def __init__(
        self,
        redis: "Redis",
        sealed: Sealed,
        result_ttl: int,
        queue_limit: int,
        *,
        keeps_sound: bool = False,
    ) -> None:
        self._keeps_sound: Final = keeps_sound
        super().__init__(redis, sealed)
        self._result_ttl: Final = result_ttl
        self._queue_limit: Final = queue_limit
        self._create: Final = redis.register_script(scripts.CREATE)
        self._compare_and_write: Final = redis.register_script(scripts.WRITE)
        self._add_peaks: Final = redis.register_script(scripts.ADD_PEAKS)
        self._observe: Final = redis.register_script(pace.OBSERVE)
        self._place: Final = redis.register_script(pace.PLACE)
        self._add_length: Final = redis.register_script(pace.ADD_LENGTH)

    async def ping(self) -> None:
        """Raises RedisError unless Redis answers."""
        await self._redis.ping()

    async def create(
        self, prediction: Prediction, secrets: Mapping[str, str], claim: Claim | None = None
    ) -> QueuePlace | None:
        """Keep a new prediction; its place in the queue.

        Raises QueueFull, AlreadyExists or LimitReached.
        """
        claim = claim or Claim()
        tenant = prediction.id.tenant
        answer: Any = await self._create(
            keys=[
                keys.prediction(prediction.id),
                keys.secrets(prediction.id),
                tenant.own(keys.UNFINISHED),
                tenant.own(keys.ALL),
                tenant.own(keys.PACE),
                tenant.own(keys.KEPT),
                keys.TENANTS,
                keys.prediction(Key("")),
                *claim.keys,
            ],
            args=[
                prediction.id,
                prediction.created_at.timestamp(),
                self._sealed.record(prediction),
                prediction.status.value,
                self._sealed.dump(dict(secrets), SECRETS, prediction.id) if secrets else "",
                keys.LIVE_TTL,
                self._queue_limit,
                "" if tenant == DEFAULT else tenant.name,
                claim.key_id,
                "" if claim.seconds is None else claim.seconds,
                *claim.arguments(prediction.id, joins=True, kept=self._keeps_sound),
            ],
        )
        match [keys.text(answer[0]), *answer[1:]]:
            case ["exists"]:
                raise AlreadyExists
            case ["full"]:
                raise QueueFull
        claim.check(answer)
        return QueuePlace.read(answer[1:])

    async def get(self, prediction_id: Key) -> Prediction | None:
        """The record, or None for an unknown or expired id."""
        document = await self._redis.hget(keys.prediction(prediction_id), "record")
        return self._sealed.prediction(document, prediction_id)

    async def get_with_output(self, prediction_id: Key) -> tuple[Prediction, bytes | None] | None:
        """The record, and its output as JSON text (None until it succeeded).

        Hours of speech make megabytes of output: it is written once and never parsed again.
        """
        fields = await self._redis.hmget(keys.prediction(prediction_id), _WITH_OUTPUT)
        return self._with_output(prediction_id, *fields)

    async def noted(self, prediction_id: Key, event: str) -> tuple[Prediction, bytes | None] | None:
        """The same, where a webhook for ``event`` is still to be delivered."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zscore(keys.PENDING, keys.note(prediction_id, event))
            pipe.hmget(keys.prediction(prediction_id), _WITH_OUTPUT)
            score, fields = await pipe.execute()
        return None if score is None else self._with_output(prediction_id, *fields)

    def _with_output(
        self, prediction_id: Key, document: Any, output: Any
    ) -> tuple[Prediction, bytes | None] | None:
        prediction = self._sealed.prediction(document, prediction_id)
        if prediction is None:
            return None
        text = self._sealed.open(output, OUTPUT, prediction_id)
        return prediction, None if text is None else text.encode()

    async def status(self, prediction_id: Key) -> Status | None:
        """The status alone: what a waiting request asks again and again."""
        prediction = await self.get(prediction_id)
        return None if prediction is None else prediction.status

    async def wanted(self, prediction_id: Key) -> tuple[Status | None, bool]:
        """The status, and whether its run should stop: its end was asked for, or it is gone."""
        found = await self.get(prediction_id)
        return (None, True) if found is None else (found.status, found.cancel_requested)

    async def secrets(self, prediction_id: Key) -> dict[str, str]:
        """The secret inputs; gone once the prediction has ended."""
        document = await self._redis.get(keys.secrets(prediction_id))
        return self._sealed.json(document, SECRETS, prediction_id) or {}

    async def add_peaks(self, prediction_id: Key, peaks: Mapping[str, Any]) -> None:
        """Keep how loud the recording is, as long as its record."""
        sealed = self._sealed.dump(dict(peaks), PEAKS, prediction_id)
        await self._add_peaks(keys=[keys.prediction(prediction_id)], args=[sealed])

    async def peaks(self, prediction_id: Key) -> bytes | None:
        """The same as JSON text, None where the predictor sent none."""
        found = await self._redis.hget(keys.prediction(prediction_id), "peaks")
        text = self._sealed.open(found, PEAKS, prediction_id)
        return None if text is None else text.encode()

    async def apply(
        self, prediction_id: Key, event: Event, now: datetime, output: Any = None
    ) -> Change | None:
        """Advance the record by ``event``; None for an unknown id.

        Of two writers one goes first and the other sees what it wrote. ``output`` is kept only
        if this event made the prediction succeed. Webhooks that the change calls for are noted
        in the same transaction, so that none is forgotten.
        """
        while True:
            document = await self._redis.hget(keys.prediction(prediction_id), "record")
            before = self._sealed.prediction(document, prediction_id)
            if document is None or before is None:
                return None
            change = Change(before, advance(before, event, now))
            if not change.changed or await self._write(document, change, output, now):
                return change

    async def _write(self, before: Any, change: Change, output: Any, now: datetime) -> bool:
        """Write the change; False when the record is no longer the document ``before``."""
        after = change.after
        result = ""
        if after.status is Status.SUCCEEDED:
            result = self._sealed.dump(output, OUTPUT, after.id)
        written = await self._compare_and_write(
            keys=[
                keys.prediction(after.id),
                keys.secrets(after.id),
                after.id.tenant.own(keys.UNFINISHED),
                keys.PENDING,
                keys.segments(after.id),
                keys.batches(after.id),
            ],
            args=[
                after.id,
                before,
                self._sealed.record(after),
                after.status.value,
                result,
                self._result_ttl if after.terminal else keys.LIVE_TTL,
                keys.LIVE_TTL,
                now.timestamp(),
                "1" if after.terminal else "",
                keys.CHANGES,
                *webhook_events(change),
            ],
        )
        return bool(written)

    async def erase(self, prediction_id: Key) -> bool:
        """Forget a prediction and everything that belongs to it; whether there was one."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.prediction(prediction_id))
            pipe.delete(keys.secrets(prediction_id))
            pipe.delete(keys.segments(prediction_id), keys.batches(prediction_id))
            for index in (keys.ALL, keys.UNFINISHED, keys.KEPT):
                pipe.zrem(prediction_id.tenant.own(index), prediction_id)
            notes = [keys.note(prediction_id, event) for event in EVENTS]
            pipe.zrem(keys.PENDING, *notes)
            pipe.hdel(keys.TRIES, *notes)
            letters = [keys.letter(prediction_id, event) for event in EVENTS]
            pipe.hdel(prediction_id.tenant.own(keys.DEAD), *letters)
            pipe.publish(keys.CHANGES, prediction_id)
            existed, *_ = await pipe.execute()
        return bool(existed)

    async def place(self, prediction_id: Key) -> QueuePlace | None:
        """Where a prediction stands among its tenant's; None when it has ended."""
        tenant = prediction_id.tenant
        found: Any = await self._place(
            keys=[
                tenant.own(keys.UNFINISHED),
                tenant.own(keys.PACE),
                keys.prediction(Key("")),
            ],
            args=[prediction_id],
        )
        return QueuePlace.read(found)

    async def add_length(self, prediction_id: Key, seconds: float) -> None:
        """Keep how long a recording is that came after its record."""
        await self._add_length(keys=[keys.prediction(prediction_id)], args=[seconds])

    async def observe_run(self, tenant: Tenant, audio: float, took: float) -> None:
        """Learn from a finished run of the tenant's, both in seconds."""
        await self._observe(keys=[tenant.own(keys.PACE)], args=[audio, took, keys.LIVE_TTL])
