"""Ends a transcription that is not wanted any more, in all of its threads.

A program that runs transcriptions side by side cannot throw an exception into one of their
threads: the thread could hold a lock at that moment. So each thread asks, between two pieces of
work, whether it should end.
"""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")

# Copied to the threads that a transcription starts, as Cog's own variables are.
_asked: ContextVar[threading.Event | None] = ContextVar("asked to stop", default=None)


class Stopped(BaseException):
    """Ends the work that was asked to stop; no Exception, as asyncio's and Cog's own."""


def stoppable(asked: threading.Event, work: Callable[[], Result]) -> Result:
    """What ``work`` returns. Raises Stopped in it, soon after ``asked`` is set."""
    _asked.set(asked)
    check()
    return work()


def check() -> None:
    """Raises Stopped where this thread's work was asked to stop."""
    asked = _asked.get()
    if asked is not None and asked.is_set():
        raise Stopped
