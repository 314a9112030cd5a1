"""The worker's variables, by the names that its users know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from transcription.engine.settings import Settings
from transcription.environment import SettingsError, choice
from transcription.errors import InvalidInput
from transcription.language import code_of
from transcription.notices import notice

_MODEL = "Systran/faster-whisper-large-v1"
_TASKS = ("transcribe", "translate")
_TRUE = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunpodSettings:
    """What is done where a job does not say. ``core`` are the models' settings."""

    core: Settings
    task: str = "transcribe"
    default_language: str | None = "en"
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
        default = _code("DEFAULT_LANGUAGE_CODE", given.get("DEFAULT_LANGUAGE_CODE", "en"))
        named = given.get("SUPPORTED_LANGUAGES", "en,nl").split(",")
        supported = (_code("SUPPORTED_LANGUAGES", name) for name in named)
        return cls(
            core=Settings.from_environment(core),
            task=choice(given, "TASK", "transcribe", _TASKS),
            default_language=default,
            supported_languages=tuple(filter(None, supported)),
            debug=given.get("DEBUG", "").lower() in _TRUE,
        )

    def language(self, asked: object) -> tuple[str | None, str | None]:
        """(the language to expect, None to detect it; a warning where it was not the caller's)."""
        expected = self.default_language
        assumed = "it was detected" if expected is None else f"{expected!r} was assumed"
        if asked in (None, ""):
            said = notice("language_assumed", reason="No language was given", assumed=assumed)
            return expected, None if expected is None else said
        try:
            code = code_of(str(asked))
        except InvalidInput:
            code = ""
        if code is None or code in self.supported_languages:
            return code, None
        reason = (
            f"The language is none of SUPPORTED_LANGUAGES ({', '.join(self.supported_languages)})"
        )
        return expected, notice("language_assumed", reason=reason, assumed=assumed)


def _code(variable: str, name: str) -> str | None:
    try:
        return code_of(name)
    except InvalidInput as error:
        raise SettingsError(f"{variable}: {error.reason}") from None
