"""A progress bar with bytes and speed: on a terminal it moves, in a log it is a line at times."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

_LOG_SECONDS = 5.0  # between two lines of a log


@contextmanager
def bar(what: str, total: int | None, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Yields a function that is called with the bytes that were added."""
    pause = 0.1 if sys.stderr.isatty() else _LOG_SECONDS
    with tqdm(
        total=total,
        initial=done,
        desc=what,
        unit="B",
        unit_scale=True,
        mininterval=pause,
        maxinterval=pause,
        dynamic_ncols=True,
    ) as drawn:
        yield drawn.update
