"""A job's ``input``: where the recording is, and how to transcribe it."""

from collections.abc import Mapping
from typing import Any

from platforms.core import Recording, read_options
from platforms.runpod.settings import RunpodSettings
from transcription.errors import InvalidInput
from transcription.options import Options

_ENCODED, _URL = "audio_base_64", "audio"  # the first wins, as it always did


def read(inputs: object, settings: RunpodSettings) -> tuple[Recording, Options, list[str]]:
    """The recording, the options, and warnings for the result. Raises InvalidInput."""
    if not isinstance(inputs, Mapping):
        raise InvalidInput("input", "must be an object")
    recording = _recording(inputs)
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
        if name not in (_ENCODED, _URL) and value is not None and value != ""
    }
    options = read_options({**own, **asked, "language": language})
    return recording, options, [warning] if warning else []


def _recording(inputs: Mapping[str, Any]) -> Recording:
    if encoded := inputs.get(_ENCODED):
        return Recording(_ENCODED, encoded, encoded=True, required="must be a text")
    required = f"an http(s) URL is required, or a file in {_ENCODED}"
    return Recording(_URL, inputs.get(_URL), required=required)
