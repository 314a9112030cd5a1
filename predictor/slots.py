"""Several runs at once in one worker, each in a thread; the slots are counted here.

Cog frees a slot as soon as a run is canceled, while the run's thread still computes. Here a slot is
free when the work has left the models, so there is never more under way than was agreed.
"""

import asyncio
import contextvars
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from predictor.log import note
from transcription.stopping import stoppable

Result = TypeVar("Result")

# How long stopped work may go on: a piece of it cannot be interrupted, the longest takes half that.
HANG_SECONDS = 55.0


class Slots:
    """Runs work in threads, ``count`` at once; what comes too early waits."""

    def __init__(self, count: int) -> None:
        self.count: Final = count
        self._free: Final = asyncio.Semaphore(count)

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns, or raises. When it is canceled, so is the work.

        The thread has this task's context: Cog finds by it whose log and metrics they are.
        """
        asked = threading.Event()
        async with self._free:
            future = asyncio.wrap_future(_begun(lambda: stoppable(asked, work)))
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                asked.set()
                await _left(future)
                raise


def _begun(work: Callable[[], Result]) -> "Future[Result]":
    """The work in a thread of its own, which the program's end does not wait for."""
    future: Future[Result] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # raised where the result is awaited
            future.set_exception(error)

    threading.Thread(target=run, name="run", daemon=True).start()
    return future


async def _left(future: "asyncio.Future[Result]") -> None:
    """Returns when the work has ended. What hangs keeps its slot: then the worker ends."""
    deadline = asyncio.get_running_loop().time() + HANG_SECONDS
    while not future.done():
        try:
            await asyncio.wait([future], timeout=deadline - asyncio.get_running_loop().time())
        except asyncio.CancelledError:
            continue  # asked once more
        if not future.done():
            note("a canceled run does not stop; ending the worker", RuntimeError("it hangs"))
            os.kill(os.getpid(), signal.SIGKILL)
    if not future.cancelled():
        future.exception()  # read, so that asyncio does not log that nobody did
