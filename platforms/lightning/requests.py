"""A request's JSON: what to transcribe, how, and who wants to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outbound.policy import AddressRefused, Policy
from platforms.core import read_options, urls_of_clips
from platforms.lightning.settings import LightningSettings
from transcription.errors import InvalidInput
from transcription.options import REFERENCES, Options

WINDOW = 30  # seconds: Whisper hears no more at once
_LONGEST_CHUNK = 120  # seconds, what requests were always allowed to ask for
_BATCH = 4  # windows at once, the default that clients know
_NAMES = (
    "audio_url", "webhook_url", "model", "chunk_size", "compute_type", "return_word_timestamps",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job as it was asked for."""

    audio_url: str
    webhook_url: str
    options: Options
    words: bool


def read(body: object, settings: LightningSettings) -> JobRequest:
    """Raises InvalidInput for what cannot be used."""
    if not isinstance(body, Mapping):
        raise InvalidInput("body", "must be an object")
    given = {name: value for name, value in body.items() if value is not None}
    words = given.get("return_word_timestamps", True)
    if not isinstance(words, bool):
        raise InvalidInput("return_word_timestamps", "must be true or false")
    _refuse_what_is_fixed(given, settings)
    options = {
        # Clients could not ask for speakers before, so without a request there is no diarization.
        "diarization": bool(given.get("known_speaker_names")),
        "batch_size": _BATCH,
        **{name: value for name, value in given.items() if name not in _NAMES},
    }
    if "model" in given:
        options["whisper_model"] = given["model"]
    options["chunk_size"] = _chunk_size(given.get("chunk_size", settings.chunk_size))
    return JobRequest(
        _url(given, "audio_url"), _url(given, "webhook_url"), read_options(options), words
    )


def problem(error: InvalidInput) -> str:
    """The field, by the name that it has in a request, and the reason."""
    name = "model" if error.field == "whisper_model" else error.field
    return f"{name}: {error.reason}"


async def check_addresses(request: JobRequest, policy: Policy) -> None:
    """Raises InvalidInput for a URL that this service may not call."""
    urls = [("audio_url", request.audio_url), ("webhook_url", request.webhook_url)]
    urls += [(REFERENCES, url) for url in urls_of_clips(request.options)]
    for name, text in urls:
        try:
            await policy.check(policy.parse_url(text))
        except AddressRefused as refusal:
            raise InvalidInput(name, str(refusal)) from None


def _refuse_what_is_fixed(given: Mapping[str, Any], settings: LightningSettings) -> None:
    """What the operator decides at the start: models stay loaded, so no request changes them."""
    fixed = settings.core.compute_type
    if given.get("compute_type", "auto") not in ("auto", fixed):
        raise InvalidInput(
            "compute_type",
            f"this service runs with {fixed}; the operator sets WHISPERX_COMPUTE_TYPE",
        )


def _chunk_size(asked: object) -> object:
    """``asked``, but no more than a window; what is no such number is left for the schema."""
    return WINDOW if isinstance(asked, int) and WINDOW < asked <= _LONGEST_CHUNK else asked


def _url(given: Mapping[str, Any], name: str) -> str:
    url = given.get(name)
    if not isinstance(url, str) or not url:
        raise InvalidInput(name, "an http(s) URL is required")
    return url
