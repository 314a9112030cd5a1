"""Recordings under way together take no more memory than one of the longest."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from predictor.room import PASSES, Room

MOST = 100.0  # seconds


class Runs:
    """Runs in a room; a recording's name tells its seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.looked: list[str] = []
        self.room = Room(MOST, self._look)
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def _look(self, source: Path, track: str | None, *, apart: bool) -> float | None:
        self.looked.append(source.name)
        seconds = float(source.stem.partition("-")[0])
        return (2 * seconds if apart else seconds) if seconds else None

    async def add(self, name: str, size: int = 10**9, **inputs: Any) -> None:
        """One more, and what follows from it."""
        path = self.folder / f"{name}.wav"
        with path.open("wb") as file:
            file.truncate(size)
        ends = self._ends[name] = asyncio.Event()

        async def run() -> None:
            async with self.room.taken({"audio_file": path, "audio": None, **inputs}):
                self.begun.append(name)
                await ends.wait()

        self._tasks[name] = asyncio.create_task(run())
        await self._settled()

    async def end(self, name: str, *, cancel: bool = False) -> None:
        if cancel:
            self._tasks[name].cancel()
        self._ends[name].set()
        await asyncio.gather(self._tasks[name], return_exceptions=True)
        await self._settled()

    async def _settled(self) -> None:
        """Until every run waits for its end, or for room."""
        room = self.room
        async with asyncio.timeout(10):
            while len(room._waiting) + len(room._under_way) < self._alive():
                await asyncio.sleep(0.002)
        await asyncio.sleep(0)

    def _alive(self) -> int:
        return sum(not task.done() for task in self._tasks.values())


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


async def test_what_does_not_fit_waits_and_says_so(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    await runs.add("60")
    await runs.add("40")
    assert capsys.readouterr().out == ""
    await runs.add("1")
    assert runs.begun == ["60", "40"]
    assert capsys.readouterr().out.startswith("Waiting until")
    await runs.end("40")
    assert runs.begun == ["60", "40", "1"]


async def test_one_that_is_alone_always_goes(runs: Runs) -> None:
    await runs.add("500")
    await runs.add("1")
    assert runs.begun == ["500"]
    await runs.end("500")
    assert runs.begun == ["500", "1"]


async def test_short_ones_go_before_a_long_one_but_not_for_ever(runs: Runs) -> None:
    await runs.add("50")
    await runs.add("90")
    for number in range(PASSES + 2):
        await runs.add(f"1-{number}")
    assert runs.begun == ["50", *(f"1-{number}" for number in range(PASSES))]
    await runs.end("50")
    assert "90" in runs.begun
    assert runs.begun[-1] == f"1-{PASSES + 1}"


async def test_one_that_is_canceled_while_it_waits_leaves_no_trace(runs: Runs) -> None:
    await runs.add("60")
    await runs.add("70")
    await runs.add("80")
    await runs.end("70", cancel=True)
    assert runs.begun == ["60"]
    await runs.end("60", cancel=True)
    assert runs.begun == ["60", "80"]


async def test_what_is_small_is_not_looked_at(runs: Runs) -> None:
    for number in range(3):
        await runs.add(f"6-{number}", size=500 * 6)  # bytes of 6 s at most
    assert (runs.looked, len(runs.begun)) == ([], 3)
    await runs.add("7", size=500 * 7)
    assert (runs.looked, len(runs.begun)) == (["7.wav"], 4)


async def test_channels_apart_take_as_much_each(runs: Runs) -> None:
    await runs.add("30")
    await runs.add("30-too", channels="separate")
    await runs.add("20")
    assert runs.begun == ["30", "30-too"]


async def test_what_tells_no_length_counts_as_its_bytes(runs: Runs) -> None:
    await runs.add("50")
    await runs.add("0", size=500 * 60)
    await runs.add("0-short", size=500 * 50)
    assert runs.begun == ["50", "0-short"]


async def test_no_recording_takes_no_room(runs: Runs) -> None:
    await runs.add("100")
    async with asyncio.timeout(5), runs.room.taken({"audio_file": "/etc/hostname"}):
        pass
