"""Fetches every model that the environment names, so that starts need no network.

``python -m platforms.download``: for image builds and for Modal's volume. What was fetched is
loaded as well, so that a model that is not available or cannot be used fails the build.
"""

import os
import sys
from collections.abc import Mapping

from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine


def download(environment: Mapping[str, str]) -> list[str]:
    """The names of the Whisper models that are here now. Raises SettingsError, CannotFetch."""
    # On the CPU: machines that build images have no GPU.
    settings = Settings.from_environment(
        {**environment, "DEVICE": "cpu", "COMPUTE_TYPE": "auto", "BRIDGE_INTERNAL_URL": ""}
    )
    fetch_missing(settings)
    return list(WhisperxEngine(settings).describe()["models"])


if __name__ == "__main__":
    sys.stdout.write(f"here now: {', '.join(download(os.environ))}\n")
