"""Many recordings: several at once, new ones as they come, and an orderly end."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from client.api import Api
from client.failures import Failure
from client.finding import Found, find
from client.server import Refusal
from client.work import Bar, Result, State, Worker

WATCH_SECONDS = 2.0  # between two looks at a watched folder; what changes between them is not whole
_FAREWELL_SECONDS = 10.0  # for canceling on the server what we began
_LATE_LOOKS = 4  # a request that we broke off may still make its transcription


class Report(Protocol):
    """Who tells the user."""

    def begin(self, found: Found) -> Bar:
        """A recording is worked on."""

    def end(self, result: Result) -> None:
        """It is done with."""

    def say(self, text: str) -> None:
        """A line about the rest."""


async def run(
    worker: Worker, recordings: AsyncIterator[Found], at_once: int, report: Report
) -> Counter[State]:
    """Transcribe all; how many ended how. Raises the first Failure or Refusal."""
    ends: Counter[State] = Counter()
    turn = asyncio.Lock()

    async def work() -> None:
        while True:
            async with turn:
                found = await anext(recordings, None)
            if found is None:
                return
            result = await worker.transcribe(found, report.begin(found))
            ends[result.state] += 1
            report.end(result)

    tasks = [asyncio.create_task(work()) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        worker.stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return ends


async def listed(recordings: Iterable[Found]) -> AsyncIterator[Found]:
    """What is there now."""
    for found in recordings:
        yield found


async def watched(
    sources: Sequence[str], out: Path | None, say: Callable[[str], None]
) -> AsyncIterator[Found]:
    """What is there and what comes, once it stays as it is; without end."""
    done: set[tuple[str, object]] = set()
    before: dict[str, object] = {}
    said: set[str] = set()

    def once(text: str) -> None:
        if text not in said:
            said.add(text)
            say(text)

    while True:
        now: dict[str, object] = {}
        try:
            there = await asyncio.to_thread(lambda: list(find(sources, out, once)))
        except Failure as failure:  # a disk that is away for a while
            once(failure.message)
            there = []
        for found in there:
            stamp: object = None
            if found.path is not None:
                with contextlib.suppress(OSError):
                    stamp = found.stamp()
            name = found.source if found.path is None else str(found.path.absolute())
            now[name] = stamp
            whole = found.path is None or before.get(name) == stamp
            if whole and (name, stamp) not in done:
                done.add((name, stamp))
                yield found
        before = now
        await asyncio.sleep(WATCH_SECONDS)


async def interruptible(
    api: Api, worker: Worker, work: Coroutine[None, None, Counter[State]], report: Report
) -> Counter[State]:
    """Let the work end; when a signal stops it, cancel on the server what it began."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no SIGTERM
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        worker.stop.set()
        count = await _canceled(api, worker.running)
        report.say(f"interrupted; {count} canceled on the server")
        raise


async def _canceled(api: Api, ids: Iterable[str]) -> int:
    """Cancel them; how many there were."""

    async def cancel(prediction: str) -> bool:
        for _ in range(_LATE_LOOKS):
            try:
                await api.cancel(prediction)
            except Refusal:
                await asyncio.sleep(0.5)
            else:
                return True
        return False

    api.patience = 0.0
    with contextlib.suppress(Failure, TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            return sum(await asyncio.gather(*map(cancel, sorted(ids))))
    return 0
