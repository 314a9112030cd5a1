"""Keeps count of models as they load, so that anybody can see that no request loads one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Loads:
    """A counter; each load prints one line, which Cog keeps in the setup log."""

    def __init__(self) -> None:
        self.count = 0
        self._counting = threading.Lock()

    @contextmanager
    def counted(self, what: str) -> Iterator[None]:
        """Counts and times the load in the body; a load that fails is not counted."""
        start = time.perf_counter()
        yield
        with self._counting:
            self.count += 1
        print(f"loaded {what} in {time.perf_counter() - start:.1f} s", flush=True)  # noqa: T201 - to the setup log

    def failed(self, what: str, error: Exception) -> None:
        """Says what did not load, by the error's type: its message may quote a token or a path."""
        print(f"not loaded: {what} ({type(error).__name__})", flush=True)  # noqa: T201 - likewise
