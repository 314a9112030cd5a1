"""What a recording is called, and the files that are made of it."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp.helpers import content_disposition_header

from transcription.options import AUDIO_NAMES

UNNAMED = "transcript"
_SIZE = re.compile(r" \(\d+ bytes\)$", re.ASCII)  # what the record adds to a file's name
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069/\\:*?"<>|]+')
_LONGEST = 120  # characters


def shown_name(inputs: Mapping[str, Any]) -> str:
    """What the client called the recording: a file's name, a URL, or the head of a data URI."""
    shown = next((str(inputs[name]) for name in AUDIO_NAMES if inputs.get(name)), "")
    return _SIZE.sub("", shown)


def stem(inputs: Mapping[str, Any]) -> str:
    """The recording's own name without its ending, from what the record shows of its inputs."""
    name = shown_name(inputs)
    if name.startswith("data:"):
        return UNNAMED
    if name.startswith(("http://", "https://")):
        name = unquote(urlsplit(name).path).rstrip("/").rpartition("/")[2]
    bare = name.rpartition(".")[0] or name
    return _UNFIT.sub(" ", bare)[:_LONGEST].strip(" .") or UNNAMED


def disposition(inputs: Mapping[str, Any], ending: str) -> str:
    """The header that has a browser save an answer under a fitting name."""
    return content_disposition_header("attachment", filename=f"{stem(inputs)}.{ending}")
