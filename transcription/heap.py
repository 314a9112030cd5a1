"""Memory that was freed goes back to the system.

glibc keeps what is freed for the next request: after five minutes of speech a process that needs
1.0 GB held 1.6. `malloc_trim` (glibc's manual, "Freeing after malloc") hands it back; it takes 40
to 130 ms, so it pays after long recordings alone.
"""

import ctypes
import functools
from collections.abc import Callable

WORTH_SECONDS = 60.0  # of audio


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """The C library's own function; None where it has none (macOS, musl)."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back(seconds: float) -> None:
    """Gives freed memory back after a recording of ``seconds``, where that is worth its time."""
    trim = _trim()
    if trim is not None and seconds >= WORTH_SECONDS:
        trim(0)
