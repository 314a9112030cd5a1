"""A job's ``input``: where the recording is, and how to transcribe it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from platforms.core import Sources, decoded, read_options
from platforms.runpod.settings import RunpodSettings
from transcription.errors import InvalidInput
from transcription.options import Options

_AUDIO = ("audio_base_64", "audio")  # the first wins, as it always did


def read(inputs: object, settings: RunpodSettings) -> tuple[Options, list[str]]:
    """The options, and warnings for the result. Raises InvalidInput."""
    if not isinstance(inputs, Mapping):
        raise InvalidInput("input", "must be an object")
    language, warning = settings.language(inputs.get("language"))
    own = {
        "task": settings.task,
        "debug": settings.debug,
        # The users of this worker have no token for the diarizer and never asked for words.
        "align_output": False,
        "diarization": bool(inputs.get("known_speaker_names")),
    }
    asked = {
        name: value
        for name, value in inputs.items()
        if name not in _AUDIO and value is not None and value != ""
    }
    options = read_options({**own, **asked, "language": language})
    return options, [warning] if warning else []


@asynccontextmanager
async def recording(
    inputs: Mapping[str, Any], sources: Sources
) -> AsyncIterator[tuple[Path | bytes, str]]:
    """The recording and the name of its input, while the body runs. Raises InvalidInput."""
    encoded, url = (inputs.get(name) for name in _AUDIO)
    if encoded:
        if not isinstance(encoded, str):
            raise InvalidInput("audio_base_64", "must be a text")
        yield decoded(encoded, "audio_base_64", sources.limits.max_bytes), "audio_base_64"
    elif isinstance(url, str) and url:
        async with sources.fetched(url, "audio") as path:
            yield path, "audio"
    else:
        raise InvalidInput("audio", "an http(s) URL is required, or a file in audio_base_64")
