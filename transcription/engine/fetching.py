"""Models that are missing are fetched before the predictor is ready, and never afterwards.

Recognizer, aligners and diarizer each are the best available. Where a publisher's aligner or
diarizer is not, what `transcription/engine/parts.py` names stands in, unless the operator forbids
it. ``python -m transcription.engine.fetching`` (`make models`) fetches ahead.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models import contents, hub
from models.contents import Needed
from models.registry import Model, Place
from models.sources import CannotFetch, Say, Sources
from transcription.engine import parts
from transcription.engine.settings import Settings
from transcription.environment import SettingsError


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An aligner or diarizer, the variable that names it, and whether nothing may stand in."""

    variable: str
    model: Model
    needed: Needed
    required: bool


def fetch_missing(settings: Settings, say: Say | None = None, *, afresh: bool = False) -> None:
    """Fetch what is not here yet, then work offline. Raises CannotFetch, SettingsError.

    ``say`` gets what happens. ``afresh``: a hub that did not answer an earlier start is looked
    for again, for every part.
    """
    say = say or _print
    if settings.chosen:
        say(settings.chosen)
    found = Sources(settings.sources, settings.huggingface_token, say, afresh=afresh)
    for model in parts.whispers(settings):
        _check("MODELS", model, found.whisper(model), contents.WHISPER)
    for wanted in _wanted(settings):
        _fetch(wanted, found, say)
    for line in parts.stand_ins(settings):
        say(line)
    if found.is_cut_off or not _may_need_network(settings):
        hub.work_offline()


def _wanted(settings: Settings) -> Iterator[_Wanted]:
    for language, source in settings.align_languages.items():
        required = settings.alignment_required or bool(source)
        aligner = parts.aligner(settings, language)
        yield _Wanted("ALIGN_LANGUAGES", aligner, contents.ALIGNER, required)
    for source in settings.align_models:  # from disk only, and checked where they are directories
        offered = parts.offered_aligner(source)
        if offered.place is Place.DIRECTORY:
            yield _Wanted("ALIGN_MODELS", offered, contents.ALIGNER, required=True)
    diarizer = parts.diarizer(settings)
    gated = diarizer.place is Place.HUB
    if settings.diarization_required or settings.huggingface_token or not gated:
        required = settings.diarization_required or bool(settings.diarization_model)
        yield _Wanted("DIARIZATION_MODEL", diarizer, contents.DIARIZER, required)


def _fetch(wanted: _Wanted, found: Sources, say: Say) -> None:
    if wanted.model.place is Place.DIRECTORY:
        _check(wanted.variable, wanted.model, wanted.model.path, wanted.needed)
    try:
        found.publisher(wanted.model, wanted.needed)
    except CannotFetch as error:
        if wanted.required:
            raise
        say(str(error))


def _check(variable: str, model: Model, folder: Path | None, needed: Needed) -> None:
    """Raises SettingsError for a directory that lacks a file: the libraries would ask the hub."""
    missing = contents.lacking(folder, needed) if folder else []
    if missing:
        raise SettingsError(f"{variable}: {model.name} lacks {', '.join(missing)}")


def _may_need_network(settings: Settings) -> bool:
    """Whether a request's own token may still fetch the diarizer."""
    diarizer = parts.diarizer(settings)
    return diarizer.place is Place.HUB and not hub.has(diarizer)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - to the setup log, or the terminal


def main() -> int:
    """Fetches ahead, and prints what lies where."""
    try:
        settings = Settings.from_environment(os.environ)
        fetch_missing(settings, afresh=True)
    except (CannotFetch, SettingsError) as error:
        print(f"models: {error}", file=sys.stderr)  # noqa: T201 - the program says so
        return 1
    for line in parts.places(settings):
        _print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
