"""What a sandbox does for the bridge: looks at a recording's head."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transcription.probe import probe
from transcription.sandbox.worker import Result
from transcription.sources import Source

EXAMPLE: Mapping[str, Any] = {"track": None}


def job(source: Source, arguments: Mapping[str, Any]) -> Result:
    """What the recording is."""
    return asdict(probe(source, arguments["track"])), 0, ()
