"""What the options ask for, as the service's inputs."""

import base64
import json
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.failures import Exit, Failure, shown
from client.media import MIX
from client.outputs import FORMATS
from transcription.errors import InvalidInput
from transcription.language import code_of

MAX_CLIP_BYTES = 20 * 2**20  # far more than ten seconds of a voice take


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How recordings are to be transcribed, and what becomes of the results."""

    formats: tuple[str, ...]
    language: str | None = None
    """The code of the language that is spoken; None: to be detected."""
    translate: bool = False
    track: str | None = None
    replace: bool = False
    forget: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    asker: str = field(default="", repr=False)
    """Goes into the ids: nobody meets a transcription of somebody else's."""

    def request(self, track: str | None = None) -> dict[str, Any]:
        """The inputs beside the recording; ``track`` is what the service is to choose of it."""
        return {**self.inputs, **({"audio_track": track} if track is not None else {})}

    def written(self, spoken: str | None) -> str | None:
        """The language of the text, where that language is spoken."""
        return "en" if self.translate else spoken


def from_options(  # noqa: PLR0913 - one parameter for each option
    *,
    formats: Iterable[str],
    overwrite: bool,
    forget: bool,
    language: str | None,
    translate: bool,
    speakers: str | None,
    names: Iterable[str],
    model: str | None,
    prompt: str | None,
    hotwords: str | None,
    track: str | None,
    settings: Iterable[str],
    asker: str,
) -> Wishes:
    """The wishes in the options of `transcribe`. Raises Failure."""
    code = _language(language)
    inputs = {
        "whisper_model": model,
        "language": code,
        "initial_prompt": prompt,
        "hotwords": hotwords,
        "task": "translate" if translate else None,
        **_speakers(speakers),
        **_names(names),
        **_others(settings),
    }
    return Wishes(
        formats=_formats(formats),
        language=code,
        translate=translate,
        track=_track(track),
        replace=overwrite,
        forget=forget,
        inputs={name: value for name, value in inputs.items() if value is not None},
        asker=asker,
    )


def _formats(given: Iterable[str]) -> tuple[str, ...]:
    """From a list, each item one format or several with commas. Raises Failure."""
    parts = (part.strip().lower() for text in given for part in text.split(","))
    found = tuple(dict.fromkeys(filter(None, parts)))
    for name in found or ("",):
        if name not in FORMATS:
            raise _unusable("--format", f"{shown(name)!r} is none of {', '.join(FORMATS)}")
    return found


def _language(given: str | None) -> str | None:
    """A code, from a code, a tag or a name; None: to be detected. Raises Failure."""
    try:
        return code_of(given)
    except InvalidInput:
        raise _unusable(
            "--language",
            f"{shown(given)!r} is not a language; `whisperx-stack languages` lists them",
        ) from None


def _track(given: str | None) -> str | None:
    """A number from 1, or `mix`. Raises Failure."""
    if given is None or given == MIX or re.fullmatch(r"[1-9]\d{0,2}", given):
        return given
    raise _unusable("--track", f"{shown(given)!r} is neither a number from 1 nor mix")


def _speakers(given: str | None) -> dict[str, Any]:
    """The inputs for `auto`, a number, or a range such as 2-4. Raises Failure."""
    if given is None:
        return {"diarization": False}
    if given == "auto":
        return {"diarization": True}
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", given)
    if not found:
        raise _unusable("--speakers", f"{shown(given)!r} is neither auto, a number, nor a range")
    least, most = found[1], found[2]
    if most is None:
        return {"diarization": True, "num_speakers": int(least)}
    return {"diarization": True, "min_speakers": int(least), "max_speakers": int(most)}


def _names(given: Iterable[str]) -> dict[str, Any]:
    """The inputs for `NAME=CLIP`: who may be heard, each with a sample. Raises Failure."""
    pairs = [_pair("--names", text, "NAME=CLIP") for text in given]
    if not pairs:
        return {}
    return {
        "diarization": True,
        "known_speaker_names": [name for name, _ in pairs],
        "known_speaker_references": [_clip(clip) for _, clip in pairs],
    }


def _others(given: Iterable[str]) -> dict[str, Any]:
    """The inputs for `INPUT=VALUE`; a value that is JSON is taken as such. Raises Failure."""
    found = {}
    for name, text in (_pair("--set", item, "INPUT=VALUE") for item in given):
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def _pair(option: str, text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise _unusable(option, f"{shown(text)!r} has not the form {form}")
    return name, value


def _clip(clip: str) -> str:
    if clip.startswith(("http://", "https://", "data:")):
        return clip
    path = Path(clip)
    try:
        if path.stat().st_size > MAX_CLIP_BYTES:
            raise _unusable("--names", f"{shown(path)} is no clip of 2 to 10 seconds")
        content = base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise _unusable("--names", f"{shown(path)}: {error.strerror}") from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{content}"


def _unusable(option: str, reason: str) -> Failure:
    return Failure(f"{option}: {reason}", Exit.USAGE)
