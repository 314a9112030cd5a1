"""The worker's variables, by the names that its users know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from transcription.engine.settings import Settings, SettingsError
from transcription.language import LANGUAGES

AUTOMATIC = "auto"  # as a language: detect it
_MODEL = "Systran/faster-whisper-large-v1"
_TASKS = ("transcribe", "translate")
_TRUE = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunpodSettings:
    """What is done where a job does not say. ``core`` are the models' settings."""

    core: Settings
    task: str = "transcribe"
    default_language: str = "en"
    supported_languages: tuple[str, ...] = ("en", "nl")
    debug: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Empty variables count as unset. Raises SettingsError that names the variable."""
        given = {name: value for name, value in environment.items() if value}
        core = {**given, "MODELS": given.get("WHISPER_MODEL_NAME") or given.get("MODELS", _MODEL)}
        if given.get("USE_CPU") == "1":
            core["DEVICE"] = "cpu"
        # Empty has a meaning for this one: no aligner.
        core["ALIGN_LANGUAGES"] = environment.get("ALIGN_LANGUAGES", "en")
        task = given.get("TASK", "transcribe")
        if task not in _TASKS:
            raise SettingsError(f"TASK must be one of {', '.join(_TASKS)}")
        default = given.get("DEFAULT_LANGUAGE_CODE", "en")
        supported = tuple(
            code.strip() for code in given.get("SUPPORTED_LANGUAGES", "en,nl").split(",")
        )
        _check("DEFAULT_LANGUAGE_CODE", (default,), also=AUTOMATIC)
        _check("SUPPORTED_LANGUAGES", supported)
        return cls(
            core=Settings.from_environment(core),
            task=task,
            default_language=default,
            supported_languages=supported,
            debug=given.get("DEBUG", "").lower() in _TRUE,
        )

    def language(self, asked: object) -> tuple[str | None, str | None]:
        """(the language to expect, None to detect it; a warning where it was not the caller's)."""
        if asked == AUTOMATIC:
            return None, None
        if isinstance(asked, str) and asked in self.supported_languages:
            return asked, None
        expected = None if self.default_language == AUTOMATIC else self.default_language
        assumed = "it was detected" if expected is None else f"{expected!r} was assumed"
        if asked in (None, ""):
            return expected, None if expected is None else f"No language was given: {assumed}."
        offered = ", ".join(self.supported_languages)
        return expected, f"The language is none of SUPPORTED_LANGUAGES ({offered}): {assumed}."


def _check(variable: str, codes: tuple[str, ...], also: str = "") -> None:
    for code in codes:
        if code not in LANGUAGES and code != also:
            raise SettingsError(f"{variable}: {code!r} is no code of a language of Whisper's")
