"""Work on disk: what was put is got again, also after a crash, until it is done or given up."""

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persistqueue import Empty, SQLiteAckQueue
from persistqueue.serializers import json

_WAIT = 0.5  # seconds; the library's own wait may sleep through something new for ten


@dataclass(slots=True)
class Item:
    """A piece of work. ``tries`` is how often it was begun, also by processes that died since."""

    number: int
    content: dict[str, Any]

    @property
    def tries(self) -> int:
        """How often `DiskQueue.begin` was called for it."""
        return int(self.content["tries"])


class DiskQueue:
    """First in, first out, in a SQLite file of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        """Waits for another process that has it open. What one that died had got is there again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / f"{name}.lock").open("w")
        # Taken over while its owner lives, the work of both would be done twice.
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # JSON, because the default, pickle, would run what somebody wrote into the file.
        self._queue = SQLiteAckQueue(
            str(folder), name=name, db_file_name=f"{name}.db", serializer=json, multithreading=True
        )

    def __len__(self) -> int:
        """How many wait."""
        return int(self._queue.size)

    def put(self, content: Mapping[str, Any]) -> None:
        """Returns when it is on disk."""
        self._queue.put({**content, "tries": 0})

    def get(self) -> Item | None:
        """The first that waits; None when nothing came for a while."""
        try:
            raw = self._queue.get(timeout=_WAIT, raw=True)
        except Empty:
            return None
        return Item(raw["pqid"], raw["data"])

    def begin(self, item: Item) -> None:
        """Counts a try, on disk, before it is made."""
        item.content["tries"] = item.tries + 1
        self._queue.update(item.content, id=item.number)

    def done(self, item: Item) -> None:
        """It is forgotten, and no transcript stays on this disk."""
        self._queue.ack(id=item.number)
        self._queue.clear_acked_data(keep_latest=0)

    def give_up(self, item: Item) -> None:
        """It stays in the file, for the operator to find."""
        self._queue.ack_failed(id=item.number)

    def given_up(self) -> int:
        """How many were given up."""
        return int(self._queue.ack_failed_count())
