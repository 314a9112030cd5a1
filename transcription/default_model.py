"""The Whisper model of an operator who names none: the machine decides.

Found without loading a library that could use a graphics card, so that the bridge and the stack
come to the same answer as the predictor.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

# What a card runs many times faster than real time, and what a processor does.
ON_GPU, ON_CPU = "large-v3", "base"

_DEVICES = Path("/dev")
_SECONDS = 10.0


def default_model(environment: Mapping[str, str]) -> tuple[str, str]:
    """The model's name, and a line that says why."""
    gpu = has_gpu(environment.get("DEVICE") or "auto")
    name = ON_GPU if gpu else ON_CPU
    return name, f"MODELS is not set: {name}, since there is {'a' if gpu else 'no'} GPU"


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
