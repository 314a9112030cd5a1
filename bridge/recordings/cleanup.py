"""Deletes recordings that are not needed any more and that a crash left behind."""

import asyncio
import time
from pathlib import Path
from typing import Final

from bridge.recordings.files import FORWARDED, KEPT, kept
from bridge.recordings.uploads import PREFIX as UPLOADED
from bridge.recordings.uploads import Uploads
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.records.upgrade import SEALED
from bridge.settings import Settings

GRACE_SECONDS = 3600.0  # a recording may be older than its record by one long upload


class Cleanup:
    """Knows which recordings are still wanted."""

    def __init__(self, settings: Settings, store: Store, uploads: Uploads) -> None:
        self._folder: Final = settings.files_dir
        self._forwarded_seconds: Final = float(settings.max_run_seconds)
        self._sound_seconds: Final = float(settings.sound_seconds)
        self._store: Final = store
        self._uploads: Final = uploads

    async def tidy(self) -> int:
        """Delete what is not wanted; the number of files deleted."""
        records = await self._store.unfinished_records()
        wanted = {one.name for record in records for one in record.recordings}
        wanted |= {kept(record.recording) for record in await self._store.corrected()}
        deleted = 0
        for path in await asyncio.to_thread(lambda: list(self._folder.iterdir())):
            ours = path.name == SEALED or path.name in wanted
            if not ours and await self._is_stale(path):
                path.unlink(missing_ok=True)
                deleted += 1
        return deleted

    async def _is_stale(self, path: Path) -> bool:
        if path.name.startswith(UPLOADED):
            return await self._uploads.get(Key(path.name.removeprefix(UPLOADED))) is None
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return False
        if path.name.startswith(KEPT):
            return age > self._sound_seconds
        forwarded = path.name.startswith(FORWARDED)
        return age > (self._forwarded_seconds if forwarded else GRACE_SECONDS)
