"""Measuring in a process of its own: what it finds, and the memory that it took."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stack.settings import ROOT


def measured(module: str, *arguments: str, environment: Mapping[str, str]) -> Any:
    """What ``python -m module`` prints last, JSON; ``environment`` comes on top of this one's.

    Raises CalledProcessError when it fails.
    """
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    return json.loads(answer.stdout.splitlines()[-1])


def peak_megabytes() -> float:
    """The most memory that this program held so far.

    Linux's own count: getrusage's holds the process it was forked from as well, and that one may
    just have made a model.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
