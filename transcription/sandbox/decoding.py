"""What a sandbox does for the models: decodes a recording, or tells how much there is to decode."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transcription.audio.decode import How, hear
from transcription.probe import probe
from transcription.sandbox.worker import Result
from transcription.sources import Source

_SAMPLE = 4  # bytes
EXAMPLE: Mapping[str, Any] = {"track": None, "max_seconds": 1.0, "channel": None}


def job(source: Source, arguments: Mapping[str, Any]) -> Result:
    """The samples, and what should be known of them."""
    if arguments.get("look"):
        return asdict(probe(source, arguments["track"])), 0, ()
    how = How(arguments["max_seconds"], arguments["channel"])
    heard = hear(source, arguments["track"], how)
    pieces = ((_SAMPLE * at, sound.data) for at, sound in heard.sound.placed())
    about = {"warnings": heard.warnings, "channels": heard.channels}
    return about, _SAMPLE * len(heard.sound), pieces
