"""Models that are missing are fetched before the predictor is ready, and never afterwards.

What was fetched whole is noted beside the cache. With all notes there, a start needs no network.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from models import registry
from models.registry import Model, Place
from transcription.engine.settings import Settings

# What CTranslate2 and its tokenizer read; other files of a repository are other formats.
_WHISPER_FILES = (
    "config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*",
)  # fmt: skip
_OTHER_FORMATS = ("*.msgpack", "*.h5", "*.ot", "*.onnx", "onnx/*", "language_model/*")
_UNAUTHORIZED = 401


class CannotFetch(Exception):
    """A model cannot be had. The message names it, says what to do, and holds no token or path."""


def fetch_missing(settings: Settings) -> None:
    """Fetch what is not here yet, then work offline. Raises CannotFetch, SettingsError.

    The diarizer is fetched where DIARIZATION is ``required`` or a token was given; otherwise a
    service without it starts, and says so when it is asked to tell speakers apart.
    """
    for model, files in _wanted(settings):
        note = _note(model, files)
        if not note.exists():
            print(f"fetching {model.name}", flush=True)  # noqa: T201 - to the setup log
            _fetch(model, files, settings.huggingface_token)
            _leave(note)
    # The library read the variable when it was imported, before anybody could know.
    if not _may_need_network(settings):
        constants.HF_HUB_OFFLINE = True


def remember(model: Model) -> None:
    """Note that ``model`` is here, fetched with a request's token: the next start needs none."""
    if model.place is Place.HUB:
        _leave(_note(model, ()))


def _wanted(settings: Settings) -> Iterator[tuple[Model, tuple[str, ...]]]:
    """The models on the hub that the service loads, with the files that matter (empty: all)."""
    for spec in settings.models:
        model = registry.WHISPERS.get(spec) or registry.elsewhere(spec)
        if model is not None and model.place is Place.HUB:
            yield model, _WHISPER_FILES
    family = registry.family(settings.models[0])
    for language, source in settings.align_languages.items():
        aligner = registry.elsewhere(source) if source else registry.aligner(language, family)
        if aligner is not None and aligner.place is Place.HUB:
            yield aligner, ()
    diarizer = _diarizer(settings)
    if diarizer is not None and (settings.diarization_required or settings.huggingface_token):
        yield diarizer, ()


def _diarizer(settings: Settings) -> Model | None:
    source, family = settings.diarization_model, registry.family(settings.models[0])
    model = registry.elsewhere(source) if source else registry.DIARIZERS[family]
    return model if model is not None and model.place is Place.HUB else None


def _may_need_network(settings: Settings) -> bool:
    """Whether a request's own token may still fetch the diarizer."""
    diarizer = _diarizer(settings)
    return diarizer is not None and not _note(diarizer, ()).exists()


def _fetch(model: Model, files: tuple[str, ...], token: str | None) -> None:
    try:
        huggingface_hub.snapshot_download(
            model.source,
            token=token or False,
            allow_patterns=list(files) or None,
            ignore_patterns=None if files else list(_OTHER_FORMATS),
        )
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise CannotFetch(f"{model.name}: {_refusal(model, error, token)}") from None
    except HfHubHTTPError as error:
        raise CannotFetch(f"{model.name}: the hub answered {error.response.status_code}") from None
    except Exception as error:
        raise CannotFetch(
            f"{model.name}: the download broke off ({type(error).__name__}); it goes on from "
            "there at the next start"
        ) from None


def _refusal(model: Model, error: HfHubHTTPError, token: str | None) -> str:
    if token is None and (isinstance(error, GatedRepoError) or model.needs):
        return (
            "it is gated and HUGGINGFACE_TOKEN is not set; accept its conditions on "
            f"huggingface.co/{model.source} and give the token of that account"
        )
    if isinstance(error, GatedRepoError):
        return (
            "the account of HUGGINGFACE_TOKEN has not accepted its conditions; do so on "
            f"huggingface.co/{model.source}"
        )
    if error.response.status_code == _UNAUTHORIZED and token:
        return "the hub does not accept HUGGINGFACE_TOKEN, or there is no such repository"
    return "there is no such repository on the hub, or it is private"


def _leave(note: Path) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()


def _note(model: Model, files: tuple[str, ...]) -> Path:
    """The file that says that all of a model is here."""
    digest = hashlib.sha256("\n".join([model.source, *files]).encode()).hexdigest()[:16]
    return Path(os.fspath(constants.HF_HUB_CACHE)) / "whole" / digest
