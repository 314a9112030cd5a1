"""One piece of work beside the calling thread, which stays the only one that reports progress."""

import contextvars
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from transcription.findings import Progress
from transcription.stopping import check

Result = TypeVar("Result")

# Seconds between looks at the work. Cog cancels a prediction by an exception in its thread, which
# arrives between two steps of Python: never while that thread sleeps for longer.
_LOOK = 0.1


class _Stopped(BaseException):
    """Ends the work from within its own progress callback."""


class Background(Generic[Result]):
    """Runs ``work`` while the body of ``with`` runs, and stops it when the body ends without it.

    ``work`` gets a progress callback and must call it often: that is where it stops. Leaving the
    body, by whatever exception, waits for that, so that nothing goes on for a request that is over.
    """

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        self._work = work
        self._share = 0.0
        self._stopping = False
        self._results: list[Result] = []
        self._error: BaseException | None = None
        # Cog finds out by the context which prediction's log a line belongs to.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stopping = True
        while self._thread.is_alive():
            self._thread.join(_LOOK)

    def look(self, progress: Progress) -> None:
        """Tells ``progress`` how far the work is, or raises what it failed with."""
        if self._error is not None:
            raise self._error
        check()
        progress(self._share)

    def result(self, progress: Progress) -> Result:
        """Waits for the work, telling ``progress``; raises what it failed with."""
        while self._thread.is_alive():
            self._thread.join(_LOOK)
            self.look(progress)
        self.look(progress)
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work(self._advance))
        except _Stopped:
            pass
        except BaseException as error:
            self._error = error

    def _advance(self, share: float) -> None:
        if self._stopping:
            raise _Stopped
        self._share = share
