"""Which prediction a request was answered with, so that its repetition gets the same one."""

from typing import Final

from redis.asyncio import Redis

from bridge.records import keys
from bridge.records.tenants import Key

RETRY_WINDOW = 900  # seconds in which a repeated request is taken for the same one


class Idempotency:
    """Digests of requests, each with the id of its prediction."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Final = redis

    async def claim(self, digest: str, prediction_id: Key, *, renew: bool) -> Key:
        """The id that stands for the request with this digest: ``prediction_id`` if it is new.

        ``renew`` lets ``prediction_id`` replace an earlier one.
        """
        key = keys.idempotency(digest)
        if renew:
            await self._redis.set(key, prediction_id, ex=RETRY_WINDOW)
            return prediction_id
        if await self._redis.set(key, prediction_id, ex=RETRY_WINDOW, nx=True):
            return prediction_id
        claimed = Key(keys.text(await self._redis.get(key) or prediction_id))
        # Redis keeps the id without a seal: it must not lead to what another tenant has.
        return claimed if claimed.belongs_to(prediction_id.tenant) else prediction_id

    async def release(self, digest: str) -> None:
        """Forget a claim whose request was refused."""
        await self._redis.delete(keys.idempotency(digest))
