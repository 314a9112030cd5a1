"""Deletes the folders that Cog makes for every run and never takes away.

Empty as they are, a busy service would fill its disk's table of files with them. Only the bridge
knows a run's name; it says so in Cog's ``context``.
"""

import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

RUN = "run"  # the member of Cog's context
# Whoever reaches a bare Cog may call a run anything.
_NAME = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,119}")


class RunFolders:
    """Remembers the runs that ended last, one a slot."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._ended: list[str] = []
        self._changing = threading.Lock()
        # Where Cog keeps them, wherever the predictor's own temporary files go.
        self._parent = Path(tempfile.gettempdir(), "coglet", "predictions")

    @contextmanager
    def used_by(self, context: Mapping[str, str]) -> Iterator[None]:
        """For the length of a run. At its start it deletes what runs before it left behind.

        A folder is still in use when its run's code has ended: until Cog has passed the output
        on, and the run has its slot till then. This run has another slot, so as many folders stay
        as there are others.
        """
        with self._changing:
            left = len(self._ended) - (self._slots - 1)
            old, self._ended = self._ended[: max(0, left)], self._ended[max(0, left) :]
        for name in old:
            shutil.rmtree(self._parent / name, ignore_errors=True)
        try:
            yield
        finally:
            name = context.get(RUN, "")
            if _NAME.fullmatch(name):
                with self._changing:
                    self._ended.append(name)
