"""What the operator decides about the models, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from models import sources
from transcription.default_model import ON_CPU, default_model
from transcription.environment import OPTIONAL, SettingsError, choice, listed, number, whole
from transcription.options import KNOWN_SPEAKER_THRESHOLD

_ALIGN_LANGUAGES = "en"
_ALIGN_CACHE = 2  # half a gigabyte to one and a half each, as most aligners are large
# The number formats of CTranslate2.
COMPUTE_TYPES = (
    "auto",
    "default",
    "float32",
    "float16",
    "bfloat16",
    "int16",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
)
_MAX_AUDIO_SECONDS = 6 * 3600.0  # as the bridge's; 1.4 GB of samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """MODELS and friends.

    ``align_languages`` maps language codes to a model directory or hub repository, None for the
    registered aligner. ``align_models`` are what requests may choose as ``align_model``;
    ``align_cache`` bounds how many aligners besides those of ``align_languages`` are kept.
    ``alignment_required`` and ``diarization_required``: nothing may stand in for the aligners of
    ``align_languages``, or for the diarizer. ``sources`` are those of `models.sources`.
    ``huggingface_token`` is only ever used to fetch the gated diarizer.
    ``sandbox_required``: recordings are decoded behind every layer or not at all.
    ``known_speaker_threshold`` is that of requests that name none.
    ``fitted_windows``: short windows of speech are not padded to 30 s on a processor.
    ``slots`` is how many transcriptions run at once.
    ``chosen`` says why ``models`` are what they are where the operator named none.
    """

    models: tuple[str, ...] = (ON_CPU,)
    chosen: str = field(default="", compare=False)
    sources: tuple[str, ...] = sources.DEFAULT
    align_languages: Mapping[str, str | None] = field(default_factory=lambda: {"en": None})
    align_models: tuple[str, ...] = ()
    align_cache: int = _ALIGN_CACHE
    alignment_required: bool = False
    diarization_model: str | None = None
    diarization_required: bool = False
    huggingface_token: str | None = field(default=None, repr=False)
    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    fitted_windows: bool = True
    max_audio_seconds: float = _MAX_AUDIO_SECONDS
    known_speaker_threshold: float = KNOWN_SPEAKER_THRESHOLD
    sandbox_required: bool = False
    bridge_url: str | None = None
    slots: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in ``environment``. Raises SettingsError.

        Empty variables count as unset, except two. ALIGN_LANGUAGES: no aligner at all;
        MODEL_SOURCES: nothing is fetched.
        """
        models = listed(environment.get("MODELS") or default_model(environment)[0])
        if environment.get("HUGGINGFACE_TOKEN", "").startswith("<"):
            raise SettingsError("HUGGINGFACE_TOKEN still holds a placeholder; unset it, or set it")
        if not models:
            raise SettingsError("MODELS names no model")
        # The model of one of the bridge's routes, which asks for it by name.
        models += listed(environment.get("WHISPER_MODEL", ""))
        return cls(
            models=tuple(dict.fromkeys(models)),
            chosen="" if environment.get("MODELS") else default_model(environment)[1],
            sources=_sources(environment.get("MODEL_SOURCES")),
            align_languages=dict(
                _pair(entry)
                for entry in listed(environment.get("ALIGN_LANGUAGES", _ALIGN_LANGUAGES))
            ),
            align_models=listed(environment.get("ALIGN_MODELS", "")),
            align_cache=whole(environment, "ALIGN_CACHE", _usual_cache(environment)),
            alignment_required=choice(environment, "ALIGNMENT", "optional", OPTIONAL) == "required",
            diarization_model=environment.get("DIARIZATION_MODEL") or None,
            diarization_required=choice(environment, "DIARIZATION", "optional", OPTIONAL)
            == "required",
            huggingface_token=environment.get("HUGGINGFACE_TOKEN")
            or environment.get("HF_TOKEN")
            or None,
            device=environment.get("DEVICE", "").strip() or "auto",
            compute_type=choice(environment, "COMPUTE_TYPE", "auto", COMPUTE_TYPES),
            cpu_threads=whole(environment, "CPU_THREADS", 0),
            fitted_windows=choice(environment, "FITTED_WINDOWS", "1", ("0", "1")) == "1",
            max_audio_seconds=number(environment, "MAX_AUDIO_SECONDS", _MAX_AUDIO_SECONDS, least=1),
            known_speaker_threshold=number(
                environment, "KNOWN_SPEAKER_THRESHOLD", KNOWN_SPEAKER_THRESHOLD, most=1
            ),
            sandbox_required=choice(environment, "DECODER_SANDBOX", "optional", OPTIONAL)
            == "required",
            bridge_url=environment.get("BRIDGE_INTERNAL_URL") or None,
            slots=whole(environment, "COG_MAX_CONCURRENCY", 1, least=1),
        )


def _sources(text: str | None) -> tuple[str, ...]:
    if text is None:
        return sources.DEFAULT
    try:
        return sources.parse(listed(text))
    except ValueError as error:
        raise SettingsError(f"MODEL_SOURCES: {error}") from None


def _usual_cache(environment: Mapping[str, str]) -> int:
    """None are kept for an operator who wants no aligner at all."""
    wanted = environment.get("ALIGN_LANGUAGES", _ALIGN_LANGUAGES) or environment.get("ALIGN_MODELS")
    return _ALIGN_CACHE if wanted else 0


def _pair(entry: str) -> tuple[str, str | None]:
    """``en`` or ``en=directory`` or ``en=owner/name``."""
    code, _, source = entry.partition("=")
    return code.strip(), source.strip() or None
