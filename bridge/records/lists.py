"""Which predictions there are, of each tenant: the lists that are kept beside the records."""

from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys
from bridge.records.prediction import Prediction
from bridge.records.sealed import Sealed
from bridge.records.tenants import DEFAULT, Key, Tenant


class Lists:
    """Reads the lists. Raises RedisError."""

    def __init__(self, redis: "Redis", sealed: Sealed) -> None:
        self._redis: Final = redis
        self._sealed: Final = sealed

    async def tenants(self) -> list[Tenant]:
        """Every tenant that had a prediction."""
        names: Any = await self._redis.smembers(keys.TENANTS)
        found = (Tenant.read(name) for name in sorted(map(keys.text, names)))
        return [DEFAULT, *(tenant for tenant in found if tenant is not None)]

    async def unfinished(self) -> list[Key]:
        """All predictions that have not ended, of every tenant, each one's oldest first."""
        found: list[Key] = []
        for tenant in await self.tenants():
            found += await self._of(tenant, keys.UNFINISHED)
        return found

    async def unfinished_records(self) -> list[Prediction]:
        """Records of all predictions that have not ended, of every tenant."""
        return await self._of_all_tenants(keys.UNFINISHED)

    async def forget_unfinished(self, prediction_id: Key) -> None:
        """Take an id whose record has expired off the list."""
        await self._redis.zrem(prediction_id.tenant.own(keys.UNFINISHED), prediction_id)

    async def corrected(self) -> list[Prediction]:
        """Records of all predictions that were corrected, of every tenant."""
        return await self._of_all_tenants(keys.KEPT)

    async def newest(
        self,
        tenant: Tenant,
        before: tuple[float, Key] | None,
        limit: int,
        since: float,
        until: float,
    ) -> list[Prediction]:
        """Up to ``limit`` of the tenant's records, newest first.

        They were created within [``since``, ``until``] (seconds of the epoch) and, if ``before``
        is given, come after it in the list.
        """
        top = min(until, before[0]) if before else until
        found: list[Prediction] = []
        start = 0
        while len(found) < limit:
            page: Any = await self._redis.zrange(
                tenant.own(keys.ALL),
                top,
                since,
                desc=True,
                byscore=True,
                offset=start,
                num=limit,
                withscores=True,
            )
            entries = [(Key(keys.text(member)), float(score)) for member, score in page]
            ids = [i for i, score in entries if before is None or (score, i) < before]
            found += await self._records(tenant, [i for i in ids if i.belongs_to(tenant)])
            start += len(entries)
            if len(entries) < limit:
                break
        return found[:limit]

    async def _of(self, tenant: Tenant, index: str) -> list[Key]:
        """The keys in an index of the tenant's."""
        found = await self._redis.zrange(tenant.own(index), 0, -1)
        ids = [Key(keys.text(entry)) for entry in found]
        return [one for one in ids if one.belongs_to(tenant)]

    async def _of_all_tenants(self, index: str) -> list[Prediction]:
        found: list[Prediction] = []
        for tenant in await self.tenants():
            found += await self._records(tenant, await self._of(tenant, index))
        return found

    async def _records(self, tenant: Tenant, ids: list[Key]) -> list[Prediction]:
        """Records of the tenant's ``ids``; those that have expired are taken off the index."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for prediction_id in ids:
                pipe.hget(keys.prediction(prediction_id), "record")
            found = await pipe.execute(raise_on_error=False)
        # A record of another type is an error; it concerns no other.
        documents = [None if isinstance(one, Exception) else one for one in found]
        gone = [i for i, document in zip(ids, documents, strict=True) if document is None]
        if gone:
            await self._redis.zrem(tenant.own(keys.ALL), *gone)
        records = (self._sealed.prediction(d, i) for i, d in zip(ids, documents, strict=True))
        return [record for record in records if record is not None]
