"""A look at a recording before it is queued: is it audio, and not too long?"""

import asyncio
from pathlib import Path

from transcription.errors import InvalidAudio
from transcription.options import REFERENCE_SECONDS, REFERENCES

_SLACK = 0.05  # seconds


async def check_audio(
    path: Path,
    max_seconds: float,
    field: str = "audio_file",
    min_seconds: float = 0.0,
    track: str | None = None,
) -> None:
    """Raises InvalidAudio (naming ``field``) unless the file is a recording that can be used.

    Raises InvalidInput for a ``track`` that it does not have. A container that does not tell its
    duration passes; the predictor bounds what it decodes.
    """
    # Imported with the first recording: the library takes a good part of the bridge's start.
    from transcription.probe import probe  # noqa: PLC0415

    try:
        info = await asyncio.to_thread(probe, path, track)
    except InvalidAudio as error:
        raise InvalidAudio(error.reason, field) from None
    if info.duration is not None and info.duration < min_seconds:
        reason = f"the recording is {info.duration:.1f} s long; at least {min_seconds:.0f} s"
        raise InvalidAudio(reason, field)
    if info.duration is not None and info.duration > max_seconds:
        reason = f"the recording is {info.duration:.0f} s long; at most {max_seconds:.0f} s"
        raise InvalidAudio(reason, field)


async def check_clip(path: Path) -> None:
    """Raises InvalidAudio unless the file can tell how a known speaker sounds."""
    shortest, longest = REFERENCE_SECONDS
    # Codecs pad a clip to whole frames.
    await check_audio(path, longest + _SLACK, REFERENCES, min_seconds=shortest - _SLACK)
