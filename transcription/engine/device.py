"""Where the models run and in which numbers, decided by what the machine has."""

import os
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import torch

from transcription.engine.bfloat16 import has_units
from transcription.engine.settings import Settings
from transcription.environment import SettingsError

MOST_WINDOWS = 256  # as many as a request may ask for
# What large-v3 in half precision, its aligner and its diarizer take of a card, and each window
# more: measured on an H100 (docs/benchmarks.md). A tenth of a card is left to others.
_RESIDENT, _WINDOW, _OURS = 7.2e9, 0.36e9, 0.9
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # microseconds allowed per period, of Linux's cgroup v2


@dataclass(frozen=True, slots=True)
class Device:
    """``torch`` names the device of the torch models, ``whisper`` that of CTranslate2's.

    ``windows`` is how many may be recognized at once, whatever a request asks. ``bfloat16``:
    Whisper's encoder runs in it, on units of the processor that are made for it.
    """

    torch: str
    whisper: str
    compute_type: str
    threads: int
    windows: int = MOST_WINDOWS
    bfloat16: bool = False

    @property
    def is_gpu(self) -> bool:
        """Whether recognition runs on a graphics card."""
        return self.whisper == "cuda"


def choose(settings: Settings) -> Device:
    """The best device there is, or the one asked for. Raises SettingsError when it is not there."""
    name = _best() if settings.device == "auto" else settings.device
    if name not in ("cuda", "mps", "cpu"):
        raise SettingsError(f"DEVICE must be auto, cuda, mps or cpu, not {name!r}")
    if name != "cpu" and not _has(name):
        raise SettingsError(f"DEVICE is {name}, but this machine has none")
    # CTranslate2 knows no Metal: on a Mac recognition stays on the processor.
    whisper = "cuda" if name == "cuda" else "cpu"
    compute_type = settings.compute_type
    bfloat16 = compute_type == "auto" and name == "cpu" and has_units()
    if compute_type == "auto":
        compute_type = _compute_type(name)
    elif compute_type not in {"default", *ctranslate2.get_supported_compute_types(whisper)}:
        raise SettingsError(
            f"COMPUTE_TYPE is {compute_type}, in which a {whisper} does not compute"
        )
    windows = MOST_WINDOWS
    if name == "cuda":
        windows = windows_in(torch.cuda.get_device_properties(0).total_memory)
    threads = settings.cpu_threads or _cores()
    return Device(name, whisper, compute_type, threads, windows, bfloat16)


def windows_in(memory: int) -> int:
    """How many windows a card of ``memory`` bytes recognizes at once, with the largest model."""
    return max(1, min(MOST_WINDOWS, int((_OURS * memory - _RESIDENT) / _WINDOW)))


def _best() -> str:
    return next((name for name in ("cuda", "mps") if _has(name)), "cpu")


def _has(name: str) -> bool:
    if name == "mps":
        return torch.backends.mps.is_available()
    return torch.cuda.is_available() and ctranslate2.get_cuda_device_count() > 0


def _compute_type(name: str) -> str:
    if name == "cuda":
        # Cards before Pascal compute no half precision.
        types = ctranslate2.get_supported_compute_types("cuda")
        return "float16" if "float16" in types else "float32"
    return "float32" if name == "mps" else "int8"


def _cores(quota: Path = _QUOTA) -> int:
    """Processors this process may use; in a container often fewer than it sees."""
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(seen or 1, int(allowed) // int(period)))
    except (OSError, ValueError):  # no such file, or "max": no limit
        return seen or 1
