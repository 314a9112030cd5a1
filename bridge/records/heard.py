"""What a run under way has recognized so far: for who streams it, and for the run after it.

A run reports twice what it recognized: as segments for clients, and as batches for the run that
has to go on if this one's worker dies (`transcription.checkpoint`). To the bridge a batch is data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, scripts
from bridge.records.sealed import BATCH, SEGMENT, Sealed
from bridge.records.tenants import Key


@dataclass(frozen=True, slots=True)
class News:
    """Segments number ``first`` and following, and the batches of windows that they came from."""

    first: int
    segments: Sequence[Mapping[str, Any]]
    batches: Sequence[Mapping[str, Any]] = ()


class Heard:
    """Keeps it. Raises redis.exceptions.RedisError when Redis does not answer."""

    def __init__(self, redis: "Redis", sealed: Sealed) -> None:
        self._redis: Final = redis
        self._sealed: Final = sealed
        self._add: Final = redis.register_script(scripts.ADD_HEARD)

    async def add(self, prediction_id: Key, attempt: int, news: News) -> None:
        """Keep news of run ``attempt``; old news is dropped."""
        segments = [
            self._sealed.dump(dict(each), SEGMENT, prediction_id, str(number))
            for number, each in enumerate(news.segments, news.first)
        ]
        batches: list[str] = []
        for batch in news.batches:
            first = str(batch["first"])
            batches += [first, self._sealed.dump(dict(batch), BATCH, prediction_id, first)]
        await self._add(
            keys=[
                keys.prediction(prediction_id),
                keys.segments(prediction_id),
                keys.batches(prediction_id),
            ],
            args=[
                prediction_id,
                keys.CHANGES,
                attempt,
                news.first,
                keys.LIVE_TTL,
                len(segments),
                *segments,
                *batches,
            ],
        )

    async def segments(self, prediction_id: Key, since: int) -> list[dict[str, Any]]:
        """What was recognized so far, from segment number ``since`` (the first is 0) on.

        Each has ``start``, ``end`` (seconds) and ``text``, not yet aligned and without speakers.
        A run that is repeated after the loss of its worker goes on where the lost one was, or
        counts from 0 again where it cannot.
        """
        key = keys.segments(prediction_id)
        count: Any = await self._redis.hlen(key)
        if count - 1 <= since:  # one field is the run's number
            return []
        numbers = list(map(str, range(since, count - 1)))
        texts: Any = await self._redis.hmget(key, numbers)
        found = (
            self._sealed.json(text, SEGMENT, prediction_id, number)
            for number, text in zip(numbers, texts, strict=True)
        )
        # Up to the first that is not there yet.
        return [*iter(lambda: next(found, None), None)]

    async def batches(self, prediction_id: Key) -> list[dict[str, Any]]:
        """What all runs so far have recognized; nothing once the prediction has ended."""
        stored: Any = await self._redis.hgetall(keys.batches(prediction_id))
        found = (
            self._sealed.json(text, BATCH, prediction_id, keys.text(first))
            for first, text in stored.items()
        )
        # Redis keeps large hashes in no order.
        return sorted((one for one in found if one is not None), key=itemgetter("first"))
