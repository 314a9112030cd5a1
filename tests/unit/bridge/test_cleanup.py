"""Which kept recordings the sweep deletes."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bridge.recordings.cleanup import Cleanup
from bridge.records.prediction import Prediction
from bridge.records.tenants import Key
from bridge.settings import Settings


class Records:
    """What the sweep asks of the store, and of the uploads."""

    def __init__(self, corrected: Sequence[str]) -> None:
        self._corrected = corrected

    async def unfinished_records(self) -> list[Prediction]:
        return []

    async def corrected(self) -> list[Prediction]:
        return [
            Prediction(
                id=Key(name),
                model="a/b",
                version="1",
                input={},
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                recording=name,
            )
            for name in self._corrected
        ]


async def test_sound_goes_when_its_time_is_over_unless_it_was_corrected(tmp_path: Path) -> None:
    settings = Settings(
        tokens="0123456789abcdef",
        webhook_secret="0123456789abcdef",
        files_dir=tmp_path,
        keep_recordings=100,
    )
    for name, age in (("kept-new", 10), ("kept-old", 200), ("kept-corrected", 200)):
        path = tmp_path / name
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    records = Records(["corrected"])
    deleted = await Cleanup(settings, records, records).tidy()  # type: ignore[arg-type]
    assert deleted == 1
    assert {path.name for path in tmp_path.iterdir()} == {"kept-new", "kept-corrected"}
