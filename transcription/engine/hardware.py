"""Whether there is a graphics card, found without loading a library that could use it."""

import shutil
import subprocess
from pathlib import Path

_DEVICES = Path("/dev")
_SECONDS = 10.0


def has_gpu(device: str) -> bool:
    """Whether recognition would run on a card, where DEVICE is ``device``."""
    if device != "auto":
        return device == "cuda"
    if any(_DEVICES.glob("nvidia[0-9]*")):
        return True
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 - the driver's own program
            [program, "-L"], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"GPU " in done.stdout
