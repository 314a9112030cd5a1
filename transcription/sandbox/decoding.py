"""What a sandbox does for the models: decodes a recording."""

from collections.abc import Mapping
from typing import Any

from transcription.audio.decode import read
from transcription.sources import Source

EXAMPLE: Mapping[str, Any] = {"track": None, "max_seconds": 1.0}


def job(source: Source, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], memoryview]:
    """The samples, and what should be known of them."""
    recording = read(source, track=arguments["track"], max_seconds=arguments["max_seconds"])
    return {"warnings": recording.warnings}, recording.samples.data
