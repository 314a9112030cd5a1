"""Which recognizers, aligners and diarizer a service uses: what is wanted, and what stands in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models import contents, registry, sources
from models.registry import Family, Model
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
from transcription.notices import notice

_NOT_HERE = "is not on this worker's disk"


@dataclass(frozen=True, slots=True)
class Part:
    """A model that is used. ``warning`` says for which one it stands in; empty where for none."""

    model: Model
    warning: str = ""


def whispers(settings: Settings) -> list[Model]:
    """The recognizers, the default first. Raises SettingsError."""
    try:
        return registry.whispers(settings.models)
    except registry.UnknownModel as error:
        raise SettingsError(f"MODELS: {error}") from None


def family(settings: Settings) -> Family:
    """The set of the aligners and the diarizer that no variable names."""
    return registry.family(settings.models[0])


def aligner(settings: Settings, language: str) -> Model:
    """The aligner that ALIGN_LANGUAGES asks for. Raises SettingsError."""
    source = settings.align_languages[language]
    model = (
        registry.named_aligner(source) if source else registry.aligner(language, family(settings))
    )
    if model is None:
        wanted = f"{source!r} is" if source else f"{language!r} has no aligner;"
        raise SettingsError(
            f"ALIGN_LANGUAGES: {wanted} none of the names in docs/models.md, a directory, or "
            "owner/name on the hub"
        )
    return model


def diarizer(settings: Settings) -> Model:
    """The diarizer that is wanted. Raises SettingsError."""
    source = settings.diarization_model
    if source is None:
        return registry.DIARIZERS[family(settings)]
    model = registry.named_diarizer(source)
    if model is None:
        raise SettingsError(
            f"DIARIZATION_MODEL: {source!r} is none of the names in docs/models.md, a directory, "
            "or owner/name on the hub"
        )
    return model


def offered_aligner(source: str) -> Model:
    """One of ALIGN_MODELS. Raises SettingsError."""
    model = registry.named_aligner(source)
    if model is None:
        raise SettingsError(
            f"ALIGN_MODELS: {source!r} is neither a known aligner, nor a directory, nor "
            "owner/name on the hub"
        )
    return model


def aligner_at_hand(language: str, wanted: Model | None) -> Part | None:
    """``wanted`` where it is on this machine, else what stands in for it, if anything does."""
    if wanted is None or sources.is_here(wanted, contents.ALIGNER):
        return Part(wanted) if wanted else None
    stand_in = registry.aligner(language, Family.BASE)
    if stand_in is None:
        return None
    return Part(stand_in, _stands_in("aligner", stand_in, wanted, _NOT_HERE))


def diarizer_at_hand(settings: Settings) -> Part:
    """The wanted one where it is on this machine, or nothing may stand in for it."""
    wanted = diarizer(settings)
    if sources.is_here(wanted, contents.DIARIZER):
        return Part(wanted)
    return diarizer_instead(settings, _NOT_HERE) or Part(wanted)


def diarizer_instead(settings: Settings, why: str) -> Part | None:
    """What stands in for the wanted diarizer, which ``why``; None where nothing may."""
    stand_in = registry.DIARIZERS[Family.BASE]
    wanted = diarizer(settings)
    if settings.diarization_model or settings.diarization_required or stand_in == wanted:
        return None
    return Part(stand_in, _stands_in("diarizer", stand_in, wanted, why))


def _stands_in(part: str, model: Model, wanted: Model, why: str) -> str:
    return notice(f"{part}_stands_in", model=model.name, wanted=wanted.name, why=why)


def stand_ins(settings: Settings) -> Iterator[str]:
    """A line for each part that stands in for a better one."""
    for language, source in settings.align_languages.items():
        part = None if source else aligner_at_hand(language, aligner(settings, language))
        if part and part.warning:
            yield f"{language}: {part.warning}"
    part = diarizer_at_hand(settings)
    if part.warning:
        needs = diarizer(settings).needs
        yield f"{part.warning} It needs {needs}." if needs else part.warning


def whisper_source(model: Model, settings: Settings) -> str | Path:
    """What the recognizer loads: the model's folder, or its name where it is not on this machine.

    With a folder its library looks for no newer version.
    """
    return sources.place(model, settings.sources) or model.source


def places(settings: Settings) -> Iterator[str]:
    """A line for each part: what it is and where it lies."""
    for model in whispers(settings):
        yield f"recognizer {model.name}: {sources.place(model, settings.sources)}"
    for language in settings.align_languages:
        part = aligner_at_hand(language, aligner(settings, language))
        if part:
            yield f"aligner {language} {part.model.name}: {sources.place(part.model)}"
    model = diarizer_at_hand(settings).model
    yield f"diarizer {model.name}: {sources.place(model)}"
