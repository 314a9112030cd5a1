"""The native libraries that the models call: found at the start, or named.

Without this a missing one is met in the middle of the first recording, and ends the process.
"""

import ctypes
import importlib
from collections.abc import Iterator, Sequence

from transcription.engine.device import choose
from transcription.engine.settings import Settings

# What CTranslate2 4.8 opens by name on CUDA 12; torch's wheels bring both.
CUDA_LIBRARIES = ("libcublas.so.12", "libcudnn.so.9")
FFMPEG = "av"  # PyAV, with FFmpeg inside


class MissingLibraries(Exception):
    """The message names the libraries that cannot be opened."""


def check_libraries(settings: Settings) -> None:
    """Raises MissingLibraries, and SettingsError for a device that is not there."""
    names = CUDA_LIBRARIES if choose(settings).is_gpu else ()
    missing = list(find_missing(names))
    try:
        importlib.import_module(FFMPEG)
    except ImportError:
        missing.append("FFmpeg (the package av)")
    if missing:
        raise MissingLibraries(f"libraries that cannot be opened: {', '.join(missing)}")


def find_missing(names: Sequence[str]) -> Iterator[str]:
    """Those of ``names`` that the dynamic linker does not find."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            yield name
