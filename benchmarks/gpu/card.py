"""The card, what runs on it, and how much of its memory is taken."""

import platform
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

_LOOK = 0.02  # seconds between looks at the memory
_PACKAGES = ("torch", "ctranslate2", "faster-whisper", "whisperx", "pyannote-audio", "transformers")
_MEGABYTE = 1 << 20


def is_there() -> bool:
    """Whether torch sees a card."""
    import torch

    return torch.cuda.is_available()


def described() -> Mapping[str, str]:
    """The card, its driver, and the versions of what computes on it."""
    import torch

    found = {"python": platform.python_version(), "cuda of torch": str(torch.version.cuda)}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if is_there():
        free, total = torch.cuda.mem_get_info()
        found["card"] = torch.cuda.get_device_name()
        found["memory"] = f"{total / _MEGABYTE:.0f} MB, {free / _MEGABYTE:.0f} MB free"
        found["driver"] = _driver()
    return {**found, **_chosen()}


def _chosen() -> Mapping[str, str]:
    """What the engine takes where nobody says: device, numbers, Whisper."""
    from transcription.default_model import default_model
    from transcription.engine.device import choose
    from transcription.engine.settings import Settings

    device = choose(Settings())
    _, why = default_model({})
    return {
        "device": f"{device.torch}, Whisper on {device.whisper} in {device.compute_type}",
        "model": why,
    }


def _driver() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "unknown"
    asked = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def taken_megabytes() -> float:
    """What is taken of the card's memory, by whomever; 0 without a card."""
    if not is_there():
        return 0.0
    import torch

    free, total = torch.cuda.mem_get_info()
    return (total - free) / _MEGABYTE


@dataclass(slots=True)
class Peak:
    """The most that was taken during a stretch of work."""

    megabytes: float = 0.0


@contextmanager
def watching() -> Iterator[Peak]:
    """Looks at the card's memory while the body runs. Both libraries' allocators show in it."""
    peak, over = Peak(taken_megabytes()), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK):
            peak.megabytes = max(peak.megabytes, taken_megabytes())

    thread = threading.Thread(target=look, daemon=True)
    if is_there():
        thread.start()
    try:
        yield peak
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()


@contextmanager
def only(megabytes: float) -> Iterator[None]:
    """Leaves no more than ``megabytes`` of the card's memory to the body."""
    import torch

    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    filler = torch.empty(
        max(0, free - int(megabytes * _MEGABYTE)), dtype=torch.uint8, device="cuda"
    )
    try:
        yield
    finally:
        del filler
        torch.cuda.empty_cache()
