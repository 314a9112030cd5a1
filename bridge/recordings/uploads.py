"""Files that clients upload ahead of a prediction."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis

from bridge.recordings.files import Files
from bridge.records import keys
from bridge.records.limits import Claim, Meter
from bridge.records.sealed import FILE, Sealed
from bridge.records.tenants import Key, Principal, Tenant, new_id
from bridge.settings import Settings
from transcription.errors import InvalidAudio

PREFIX = "file-"  # of an uploaded file's name on disk


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The description of an uploaded file. Times are ISO 8601."""

    id: Key
    name: str
    content_type: str
    size: int
    sha256: str
    md5: str
    created_at: str
    expires_at: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Uploads:
    """Keeps uploaded files for ``file_ttl`` seconds."""

    def __init__(
        self, settings: Settings, redis: "Redis", sealed: Sealed, files: Files, meter: Meter
    ) -> None:
        self._meter: Final = meter
        self._sealed: Final = sealed
        self._ttl: Final = settings.file_ttl
        self._redis: Final = redis
        self._files: Final = files

    async def add(
        self, holder: Principal, name: str, content_type: str, chunks: AsyncIterator[bytes]
    ) -> Uploaded:
        """Store a file as it arrives. Raises TooLarge, DiskFull or LimitReached."""
        file_id = holder.tenant.key(new_id())
        stored = await self._files.write(_recording(file_id), chunks, "content")
        now = datetime.now(UTC)
        described = Uploaded(
            id=file_id,
            name=name,
            content_type=content_type,
            size=stored.size,
            sha256=stored.sha256,
            md5=stored.md5,
            created_at=now.isoformat(),
            expires_at=(now + timedelta(seconds=self._ttl)).isoformat(),
        )
        await self.describe(described)
        try:
            await self._meter.store(Claim(holder.key_id, holder.limits, bytes=stored.size), file_id)
        except BaseException:
            await self.remove(file_id)
            raise
        return described

    async def describe(self, uploaded: Uploaded) -> None:
        """Write the description, also again with metadata that came after the content."""
        described = self._sealed.close(json.dumps(asdict(uploaded)), FILE, uploaded.id)
        await self._redis.set(keys.file(uploaded.id), described, ex=self._ttl)
        index = uploaded.id.tenant.own(keys.FILES)
        await self._redis.zadd(index, {uploaded.id: time.time()})
        await self._redis.expire(index, self._ttl)

    async def get(self, file_id: Key) -> Uploaded | None:
        """The description, None for an unknown or expired id."""
        document = await self._redis.get(keys.file(file_id))
        described = self._sealed.json(document, FILE, file_id)
        return None if described is None else Uploaded(**{**described, "id": file_id})

    async def all(self, tenant: Tenant) -> list[Uploaded]:
        """All descriptions of the tenant's files, newest first."""
        entries = await self._redis.zrevrange(tenant.own(keys.FILES), 0, -1)
        ids = [Key(keys.text(entry)) for entry in entries]
        found = [await self.get(file_id) for file_id in ids if file_id.belongs_to(tenant)]
        return [described for described in found if described is not None]

    async def remove(self, file_id: Key) -> bool:
        """Delete a file; whether there was one."""
        self._files.remove(_recording(file_id))
        await self._redis.zrem(file_id.tenant.own(keys.FILES), file_id)
        return bool(await self._redis.delete(keys.file(file_id)))

    def path_name(self, file_id: Key) -> str:
        """The name under which the files' folder holds an uploaded file."""
        return _recording(file_id)

    async def link(self, file_id: Key, recording: str, field_name: str) -> int:
        """Make an uploaded file a prediction's recording; its size. Raises InvalidAudio."""
        uploaded = await self.get(file_id)
        try:
            self._files.link(recording, _recording(file_id))
        except FileNotFoundError:
            uploaded = None
        if uploaded is None:
            raise InvalidAudio("the uploaded file has expired or was deleted", field_name)
        return uploaded.size


def _recording(file_id: Key) -> str:
    return f"{PREFIX}{file_id}"
