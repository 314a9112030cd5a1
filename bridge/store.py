"""The records of all predictions, in Redis.

Every key of ours is made here and has a time to live: a day or more while a prediction lives
(renewed by each write), ``result_ttl`` from its end.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import WatchError

from bridge.prediction import Event, Prediction, Status, advance

LIVE_TTL = 7 * 86_400  # seconds; longer than any queue, so that only an abandoned record expires
_UNFINISHED = "predictions:unfinished"


class QueueFull(Exception):
    """There are as many unfinished predictions as the operator allows."""


class AlreadyExists(Exception):
    """The id is taken."""


class Store:
    """Keeps predictions. Raises redis.exceptions.RedisError when Redis does not answer."""

    def __init__(self, redis: "Redis", result_ttl: int, queue_limit: int) -> None:
        self._redis = redis
        self._result_ttl = result_ttl
        self._queue_limit = queue_limit

    async def ping(self) -> None:
        """Raises RedisError unless Redis answers."""
        await self._redis.ping()

    async def create(self, prediction: Prediction, secrets: Mapping[str, str]) -> None:
        """Keep a new prediction. Raises QueueFull or AlreadyExists."""
        if await self._redis.zcard(_UNFINISHED) >= self._queue_limit:
            raise QueueFull
        key = _key(prediction.id)
        document = json.dumps(prediction.to_dict())
        if not await self._redis.hsetnx(key, "record", document):
            raise AlreadyExists
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, "status", prediction.status.value)
            pipe.expire(key, LIVE_TTL)
            pipe.zadd(_UNFINISHED, {prediction.id: prediction.created_at.timestamp()})
            pipe.expire(_UNFINISHED, LIVE_TTL)
            if secrets:
                pipe.set(_secrets_key(prediction.id), json.dumps(dict(secrets)), ex=LIVE_TTL)
            await pipe.execute()

    async def get(self, prediction_id: str) -> Prediction | None:
        """The record, or None for an unknown or expired id."""
        document = await self._redis.hget(_key(prediction_id), "record")
        return None if document is None else Prediction.from_dict(json.loads(document))

    async def get_with_output(self, prediction_id: str) -> tuple[Prediction, Any] | None:
        """The record and its output (None until it succeeded)."""
        document, output = await self._redis.hmget(_key(prediction_id), ["record", "output"])
        if document is None:
            return None
        return (
            Prediction.from_dict(json.loads(document)),
            None if output is None else json.loads(output),
        )

    async def status(self, prediction_id: str) -> Status | None:
        """The status alone: what a waiting request asks again and again."""
        status = await self._redis.hget(_key(prediction_id), "status")
        return None if status is None else Status(_text(status))

    async def is_canceled(self, prediction_id: str) -> bool:
        """Whether its end was asked for, or it is gone: either way its run should stop."""
        status, asked = await self._redis.hmget(_key(prediction_id), ["status", "cancel"])
        return status is None or asked is not None

    async def secrets(self, prediction_id: str) -> dict[str, str]:
        """The secret inputs; gone once the prediction has ended."""
        document = await self._redis.get(_secrets_key(prediction_id))
        return {} if document is None else dict(json.loads(document))

    async def apply(
        self, prediction_id: str, event: Event, now: datetime, output: Any = None
    ) -> Prediction | None:
        """Advance the record by ``event``; the record afterwards, or None for an unknown id.

        Of two writers one goes first and the other sees what it wrote. ``output`` is kept only
        if this event made the prediction succeed.
        """
        key = _key(prediction_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(key)
                    document = await pipe.hget(key, "record")
                    if document is None:
                        return None
                    before = Prediction.from_dict(json.loads(document))
                    after = advance(before, event, now)
                    if after is before:
                        return before
                    pipe.multi()  # type: ignore[no-untyped-call]
                    self._write(pipe, key, after, output)
                    await pipe.execute()
                except WatchError:
                    continue
                return after

    def _write(self, pipe: Any, key: str, prediction: Prediction, output: Any) -> None:
        fields = {"record": json.dumps(prediction.to_dict()), "status": prediction.status.value}
        if prediction.status is Status.SUCCEEDED:
            fields["output"] = json.dumps(output)
        if prediction.cancel_requested:
            fields["cancel"] = "1"
        pipe.hset(key, mapping=fields)
        if prediction.terminal:
            pipe.expire(key, self._result_ttl)
            pipe.zrem(_UNFINISHED, prediction.id)
            pipe.delete(_secrets_key(prediction.id))
        else:
            pipe.expire(key, LIVE_TTL)

    async def unfinished(self) -> list[str]:
        """Ids of all predictions that have not ended, oldest first."""
        return [_text(entry) for entry in await self._redis.zrange(_UNFINISHED, 0, -1)]

    async def forget_unfinished(self, prediction_id: str) -> None:
        """Take an id whose record has expired off the list."""
        await self._redis.zrem(_UNFINISHED, prediction_id)


def _text(value: Any) -> str:
    """What Redis answers: bytes, on a connection that decodes nothing."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _key(prediction_id: str) -> str:
    return f"prediction:{prediction_id}"


def _secrets_key(prediction_id: str) -> str:
    return f"prediction:{prediction_id}:secrets"
