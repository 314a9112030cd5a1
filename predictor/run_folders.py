"""Deletes the folders that Cog makes for every run and never takes away.

Empty as they are, a busy service would fill its disk's table of files with them. Only the bridge
knows a run's name; it says so in Cog's ``context``.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

RUN = "run"  # the member of Cog's context
# Whoever reaches a bare Cog may call a run anything.
_NAME = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,119}")


class RunFolders:
    """Remembers the run before; this one's folder is still in use when its code has ended."""

    def __init__(self) -> None:
        self._before = ""
        # Where Cog keeps them, wherever the predictor's own temporary files go.
        self._parent = Path(tempfile.gettempdir(), "coglet", "predictions")

    def tidy(self, context: Mapping[str, str]) -> None:
        """At the start of a run: delete what the one before left behind."""
        if self._before:
            shutil.rmtree(self._parent / self._before, ignore_errors=True)
        name = context.get(RUN, "")
        self._before = name if _NAME.fullmatch(name) else ""
