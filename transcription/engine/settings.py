"""What the operator decides about the models, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from transcription.environment import SettingsError, choice, listed, number, whole
from transcription.options import KNOWN_SPEAKER_THRESHOLD

_MODELS = "large-v3"
_OPTIONAL = ("optional", "required")
_ALIGN_LANGUAGES = "en"
_ALIGN_CACHE = 2  # half a gigabyte to one and a half each, as most aligners are large
_MAX_AUDIO_SECONDS = 6 * 3600.0  # as the bridge's; 1.4 GB of samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """MODELS and friends.

    ``align_languages`` maps language codes to a model directory or hub repository, None for the
    registered aligner. ``align_models`` are what requests may choose as ``align_model``;
    ``align_cache`` bounds how many aligners besides those of ``align_languages`` are kept.
    ``huggingface_token`` is only ever used to fetch the gated diarizer.
    ``known_speaker_threshold`` is that of requests that name none.
    """

    models: tuple[str, ...] = (_MODELS,)
    align_languages: Mapping[str, str | None] = field(default_factory=lambda: {"en": None})
    align_models: tuple[str, ...] = ()
    align_cache: int = _ALIGN_CACHE
    diarization_model: str | None = None
    diarization_required: bool = False
    huggingface_token: str | None = field(default=None, repr=False)
    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    max_audio_seconds: float = _MAX_AUDIO_SECONDS
    known_speaker_threshold: float = KNOWN_SPEAKER_THRESHOLD
    bridge_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in ``environment``. Raises SettingsError.

        Empty variables count as unset, except ALIGN_LANGUAGES: empty means no aligner at all.
        """
        models = listed(environment.get("MODELS") or _MODELS)
        if environment.get("HUGGINGFACE_TOKEN", "").startswith("<"):
            raise SettingsError("HUGGINGFACE_TOKEN still holds a placeholder; unset it, or set it")
        if not models:
            raise SettingsError("MODELS names no model")
        # The model of one of the bridge's doors, which asks for it by name.
        models += listed(environment.get("WHISPER_MODEL", ""))
        return cls(
            models=tuple(dict.fromkeys(models)),
            align_languages=dict(
                _pair(entry)
                for entry in listed(environment.get("ALIGN_LANGUAGES", _ALIGN_LANGUAGES))
            ),
            align_models=listed(environment.get("ALIGN_MODELS", "")),
            align_cache=whole(environment, "ALIGN_CACHE", _ALIGN_CACHE),
            diarization_model=environment.get("DIARIZATION_MODEL") or None,
            diarization_required=choice(environment, "DIARIZATION", "optional", _OPTIONAL)
            == "required",
            huggingface_token=environment.get("HUGGINGFACE_TOKEN")
            or environment.get("HF_TOKEN")
            or None,
            device=environment.get("DEVICE") or "auto",
            compute_type=environment.get("COMPUTE_TYPE") or "auto",
            cpu_threads=whole(environment, "CPU_THREADS", 0),
            max_audio_seconds=number(environment, "MAX_AUDIO_SECONDS", _MAX_AUDIO_SECONDS, least=1),
            known_speaker_threshold=number(
                environment, "KNOWN_SPEAKER_THRESHOLD", KNOWN_SPEAKER_THRESHOLD, most=1
            ),
            bridge_url=environment.get("BRIDGE_INTERNAL_URL") or None,
        )


def _pair(entry: str) -> tuple[str, str | None]:
    """``en`` or ``en=directory`` or ``en=owner/name``."""
    code, _, source = entry.partition("=")
    return code.strip(), source.strip() or None
