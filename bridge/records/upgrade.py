"""Seals what earlier bridges wrote: without a seal, or with that of a retired secret.

Without a seal a value is taken once per folder of recordings: from then on a file there says that
all in Redis is sealed. Who can write to Redis cannot remove that file.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, scripts
from bridge.records.sealed import (
    BATCH,
    CORRECTED,
    EDITS,
    FILE,
    LETTER,
    OUTPUT,
    PEAKS,
    RECORD,
    SECRETS,
    SEGMENT,
)
from bridge.records.seals import Seals
from bridge.records.tenants import DEFAULT

SEALED = ".sealed"  # the file's name in the folder of recordings
_FIELDS = {"record": RECORD, "output": OUTPUT, "edits": EDITS, "revised": CORRECTED, "peaks": PEAKS}
_LOOKED_AT_ONCE = 500
_log = logging.getLogger(__name__)


class Upgrade:
    """What a bridge does with Redis before it works on the queue."""

    def __init__(self, redis: "Redis", seals: Seals, folder: Path) -> None:
        self._redis: Final = redis
        self._marker: Final = folder / SEALED
        self._replace_field: Final = redis.register_script(scripts.REPLACE_FIELD)
        self._replace: Final = redis.register_script(scripts.REPLACE)
        self.seals: Final = seals
        seals.takes_unsealed = not self._marker.exists()

    async def run(self) -> None:
        """Seal with the first secret all that is ours, where it may not be. Raises RedisError."""
        await self._redis.ping()
        if not (self.seals.takes_unsealed or self.seals.has_retired):
            return  # hours of speech would be read for nothing
        sealed = 0
        for pattern in ("prediction:*", "file:*", f"{keys.DEAD}*"):
            async for found in self._redis.scan_iter(match=pattern, count=_LOOKED_AT_ONCE):
                sealed += await self._seal(keys.text(found))
        if sealed:
            _log.warning("sealed %s values in Redis that earlier bridges wrote", sealed)
        self._marker.touch()
        self.seals.takes_unsealed = False

    async def _seal(self, key: str) -> int:
        """The number of values under a key that were sealed."""
        kind, _, rest = key.partition(":")
        name, _, part = rest.partition(":")
        match await self._kind(key), kind, part:
            case "string", "prediction", "secrets":
                return await self._seal_string(key, SECRETS, name)
            case "string", "file", "":
                return await self._seal_string(key, FILE, name)
            case "hash", "prediction", "":
                values = await self._redis.hmget(key, list(_FIELDS))
                records = zip(_FIELDS, values, strict=True)
                fields = ((field, value, (_FIELDS[field], name)) for field, value in records)
                return await self._seal_fields(key, fields)
            case "hash", "prediction", "segments" | "batches":
                said = SEGMENT if part == "segments" else BATCH
                found = await self._fields(key)
                found.pop("attempt", None)
                places = ((n, value, (said, name, n)) for n, value in found.items())
                return await self._seal_fields(key, places)
            case "hash", "webhooks", tenant if name == "dead":
                found = await self._fields(key)
                owner = tenant or DEFAULT.name
                letters = ((n, value, (LETTER, owner, n)) for n, value in found.items())
                return await self._seal_fields(key, letters)
        return 0

    async def _kind(self, key: str) -> str:
        return keys.text(await self._redis.type(key))

    async def _fields(self, key: str) -> dict[str, Any]:
        return {keys.text(name): value for name, value in (await self._redis.hgetall(key)).items()}

    async def _seal_fields(self, key: str, fields: Iterable[tuple[str, Any, Any]]) -> int:
        sealed = 0
        for field, value, place in fields:
            new = self._sealed_anew(value, *place)
            if new is not None:
                sealed += int(await self._replace_field(keys=[key], args=[field, value, new]))
        return sealed

    async def _seal_string(self, key: str, kind: str, name: str) -> int:
        value = await self._redis.get(key)
        new = self._sealed_anew(value, kind, name)
        return 0 if new is None else int(await self._replace(keys=[key], args=[value or "", new]))

    def _sealed_anew(self, value: Any, kind: str, *names: str) -> str | None:
        """The value under the first secret's seal; None where it has that, or is not ours."""
        if value is None or self.seals.is_current(value, kind, *names):
            return None
        text = self.seals.open(value, kind, *names)
        return None if text is None else self.seals.close(text, kind, *names)
