"""Runs side by side: a slot is free when its work has left, however its run ended."""

import asyncio
import contextvars
import subprocess
import sys
import threading

import pytest

from predictor.slots import Slots
from stack.settings import ROOT
from transcription.progress import StagedProgress
from transcription.stopping import Stopped, check

NAME = contextvars.ContextVar("name", default="")


@pytest.fixture
async def slots() -> Slots:
    return Slots(2)


class Work:
    """Begins, and goes on until it is let go or stopped."""

    def __init__(self, *, listens: bool = True) -> None:
        self.listens = listens
        self.began = threading.Event()
        self.go = threading.Event()
        self.ended = threading.Event()
        self.name = ""

    def __call__(self) -> str:
        try:
            self.name = NAME.get()
            self.began.set()
            while not self.go.wait(0.01):
                if self.listens:
                    check()
            return self.name
        finally:
            self.ended.set()

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.began.wait, 10)


async def test_as_many_run_as_there_are_slots(slots: Slots) -> None:
    works = [Work() for _ in range(3)]
    tasks = []
    for number, work in enumerate(works):
        NAME.set(f"run {number}")
        tasks.append(asyncio.create_task(slots.run(work)))
    await works[0].has_begun()
    await works[1].has_begun()
    assert not works[2].began.is_set()
    works[0].go.set()
    assert await tasks[0] == "run 0"
    await works[2].has_begun()
    for work in works:
        work.go.set()
    # Each thread had the context of its run, by which Cog tells logs and metrics apart.
    assert await asyncio.gather(*tasks) == ["run 0", "run 1", "run 2"]


async def test_a_slot_is_free_when_its_work_has_left(slots: Slots) -> None:
    deaf, other, third = Work(listens=False), Work(), Work()
    first = asyncio.create_task(slots.run(deaf))
    beside = asyncio.create_task(slots.run(other))
    await deaf.has_begun()
    first.cancel()
    waiting = asyncio.create_task(slots.run(third))
    await asyncio.wait([waiting], timeout=0.2)
    assert not third.began.is_set(), "the work of the canceled run still computes"
    first.cancel()  # asked again
    deaf.go.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    await third.has_begun()
    assert not other.ended.is_set(), "its neighbour is unharmed"
    for work in (other, third):
        work.go.set()
    await asyncio.gather(beside, waiting)


async def test_a_canceled_run_stops_soon(slots: Slots) -> None:
    work = Work()
    task = asyncio.create_task(slots.run(work))
    await work.has_begun()
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert work.ended.is_set()


async def test_a_run_that_is_canceled_while_it_waits_never_begins(slots: Slots) -> None:
    works = [Work() for _ in range(3)]
    tasks = [asyncio.create_task(slots.run(work)) for work in works]
    await works[1].has_begun()
    tasks[2].cancel()
    for work in works:
        work.go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not works[2].began.is_set()


async def test_errors_are_the_works_own(slots: Slots) -> None:
    def fail() -> None:
        raise ValueError("mine")

    for _ in range(3):  # no slot is lost by them
        with pytest.raises(ValueError, match="mine"):
            await slots.run(fail)


async def test_progress_is_where_a_run_stops(slots: Slots) -> None:
    begun = threading.Event()
    seen: list[BaseException] = []

    def work() -> None:
        progress = StagedProgress({"one": 1.0}, lambda _share: None).of("one")
        try:
            while True:
                begun.set()
                progress(0.5)
        except BaseException as error:
            seen.append(error)
            raise

    task = asyncio.create_task(slots.run(work))
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [type(error) for error in seen] == [Stopped]


HANGING = """
import asyncio, time
from predictor import slots
slots.HANG_SECONDS = 0.2
async def main():
    task = asyncio.create_task(slots.Slots(2).run(lambda: time.sleep(600)))
    await asyncio.sleep(0.1)
    task.cancel()
    await task
asyncio.run(main())
"""


def test_work_that_hangs_ends_the_worker() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == -9
    assert b"does not stop" in ended.stderr
