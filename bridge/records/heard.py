"""What a run under way has recognized so far: for who streams it, and for the run after it.

A run is told twice what it heard: as segments for clients, and as batches for the run that has to
go on if this one's worker dies (`transcription.checkpoint`). To the bridge a batch is data.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, scripts
from bridge.tenants import Key


@dataclass(frozen=True, slots=True)
class News:
    """Segments number ``first`` and following, and the batches of windows that they came from."""

    first: int
    segments: Sequence[Mapping[str, Any]]
    batches: Sequence[Mapping[str, Any]] = ()


class Heard:
    """Keeps it. Raises redis.exceptions.RedisError when Redis does not answer."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Final = redis
        self._add: Final = redis.register_script(scripts.ADD_HEARD)

    async def add(self, prediction_id: Key, attempt: int, news: News) -> None:
        """Keep news of run ``attempt``; old news is dropped."""
        segments = [json.dumps(dict(each), ensure_ascii=False) for each in news.segments]
        batches = [
            text
            for batch in news.batches
            for text in (str(batch["first"]), json.dumps(dict(batch), ensure_ascii=False))
        ]
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
        texts: Any = await self._redis.hmget(key, list(map(str, range(since, count - 1))))
        return [json.loads(found) for found in takewhile(lambda found: found is not None, texts)]

    async def batches(self, prediction_id: Key) -> list[dict[str, Any]]:
        """What all runs so far have recognized; nothing once the prediction has ended."""
        texts: Any = await self._redis.hvals(keys.batches(prediction_id))
        return [json.loads(text) for text in texts]
