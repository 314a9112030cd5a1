"""Whether this machine has the device that is asked for, and room for the models."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import constants

from models import cache, sources
from models.registry import Model
from transcription.default_model import has_gpu
from transcription.engine import parts
from transcription.engine.settings import Settings
from transcription.environment import SettingsError, choice

DEVICES = ("auto", "cuda", "mps", "cpu")
STATE_BYTES = 100_000_000  # what Redis, the logs and a recording need at the least
# The predictor without its Whisper model: 977 MB were measured with the demo set. A Whisper model
# takes about as much as its file, on a card in the card's own memory.
BASE_BYTES = 900_000_000
_MEGABYTE = 1_000_000


def check_device(device: str) -> str:
    """The device's name, as far as it is known without torch. Raises SettingsError."""
    name = choice({"DEVICE": device}, "DEVICE", "auto", DEVICES)
    if name == "cuda" and not has_gpu("auto"):
        raise SettingsError("DEVICE is cuda, but this machine has no NVIDIA GPU; set auto or cpu")
    if name == "mps" and sys.platform != "darwin":
        raise SettingsError("DEVICE is mps, but this is no Mac; set auto or cpu")
    if name == "auto":
        return "cuda" if has_gpu("auto") else "cpu"
    return name


def check_numbers(compute_type: str, device: str) -> None:
    """Raises SettingsError for a number format that the device lacks, as far as is known here."""
    if device != "cuda" and compute_type in ("float16", "int8_float16"):
        raise SettingsError(f"COMPUTE_TYPE is {compute_type}, which needs a GPU; set auto")


def check_room(settings: Settings, *, on_gpu: bool) -> None:
    """Raises SettingsError where disk or memory is too small for the models asked for."""
    wanted = parts.whispers(settings)
    for folder, missing in _downloads(wanted, settings).items():
        needed = sum((model.size or 0) * _MEGABYTE for model in missing)
        names = ", ".join(model.name for model in missing)
        check_disk(f"MODELS: the download of {names}", folder, needed)
    loaded = 0 if on_gpu else sum((model.size or 0) * _MEGABYTE for model in wanted)
    free = free_memory()
    if free is not None and free < BASE_BYTES + loaded:
        names = ", ".join(model.name for model in wanted)
        raise SettingsError(
            f"MODELS: {names} takes about {_size(BASE_BYTES + loaded)} of memory, and "
            f"{_size(free)} are free; name a smaller one"
        )


def check_disk(what: str, folder: Path, needed: int) -> None:
    """Raises SettingsError unless ``needed`` bytes are free where ``folder`` is or will be."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise SettingsError(
            f"{what} needs {_size(needed)} in {folder}, and {_size(free)} are free there"
        )


def free_memory() -> int | None:
    """Bytes that this process may still take, swap included; None where they are unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    memory = {
        name: int(rest.split()[0]) * 1024 for name, _, rest in (x.partition(":") for x in lines)
    }
    free = memory["MemAvailable"] + memory.get("SwapFree", 0)
    return min([free, *_limits()])


def _limits() -> Iterator[int]:
    """What the limits of this process's group leave, in either version of Linux's groups."""
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        try:
            # The cache of files counts as used, and is freed when memory is short.
            yield max(int(Path(limit).read_text()) - int(Path(used).read_text()), 0)
        except (OSError, ValueError):  # no such file, or "max": no limit
            continue


def _downloads(wanted: list[Model], settings: Settings) -> dict[Path, list[Model]]:
    """The models that are not here, by the folder that they would come to."""
    found: dict[Path, list[Model]] = {}
    for model in wanted:
        if not settings.sources or sources.place(model, settings.sources) is not None:
            continue
        pinned = sources.pinned_as(model)
        folder = cache.root() if pinned else Path(os.fspath(constants.HF_HUB_CACHE))
        found.setdefault(folder, []).append(model)
    return found


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
