"""Models from the hub, kept by its own library in HF_HOME.

What was fetched whole is noted beside the cache. With the note there, no network is needed.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from models import cache
from models.network import Network, NotGiven
from models.pins import Pinned
from models.registry import Model, Place

# What CTranslate2 and its tokenizer read; other files of a repository are other formats.
WHISPER_FILES = (
    "config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*",
)  # fmt: skip
_OTHER_FORMATS = ("*.msgpack", "*.h5", "*.ot", "*.onnx", "onnx/*", "language_model/*")
_UNAUTHORIZED = 401


def is_away(network: Network) -> bool:
    """Whether it is known that the hub does not answer."""
    return network.is_away(constants.ENDPOINT)


def work_offline() -> None:
    """The hub is not asked from here on. The library read its variable when it was imported."""
    constants.HF_HUB_OFFLINE = True


def has(model: Model, files: Sequence[str] = ()) -> bool:
    """Whether all of ``model`` was fetched."""
    return _note(model, files).exists()


def lies(model: Model) -> Path | None:
    """The folder of what is here of ``model``."""
    try:
        return Path(huggingface_hub.snapshot_download(model.source, local_files_only=True))
    except (OSError, ValueError):
        return None


def fetch(model: Model, files: Sequence[str], token: str | None) -> None:
    """Fetches what is missing of ``model`` and notes that it is whole. Raises NotGiven."""
    _snapshot(model, files, token, None)
    remember(model, files)


def fetch_pinned(pinned: Pinned, token: str | None) -> Path:
    """The folder of a pinned model, fetched at its revision. Raises NotGiven."""
    model = Model(pinned.name, Place.HUB, pinned.repository, licence="")
    folder = _snapshot(model, tuple(pinned.files), token, pinned.revision)
    # A mirror may know the revision by another commit.
    folder = cached_pinned(pinned) or folder
    wrong = cache.unfit(folder, pinned)
    for name in wrong:  # not kept, or the library would take it for fetched
        (folder / name).resolve().unlink(missing_ok=True)
        (folder / name).unlink(missing_ok=True)
    if wrong:
        raise NotGiven(f"{', '.join(wrong)} from the hub is not what it should be")
    return folder


def cached_pinned(pinned: Pinned) -> Path | None:
    """The folder of a pinned model that the hub's library has kept, whole or not."""
    found = huggingface_hub.try_to_load_from_cache(
        pinned.repository, "model.bin", revision=pinned.revision
    )
    return Path(found).parent if isinstance(found, str) else None


def remember(model: Model, files: Sequence[str] = ()) -> None:
    """Notes that all of ``model`` is here."""
    note = _note(model, files)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()


def reach(network: Network, *, afresh: bool) -> None:
    """Raises NotGiven where the hub may not be asked, or does not answer."""
    if constants.HF_HUB_OFFLINE:
        raise NotGiven("HF_HUB_OFFLINE forbids to ask the hub")
    if not network.answers(constants.ENDPOINT, afresh=afresh):
        raise NotGiven("the hub does not answer")


def _snapshot(model: Model, files: Sequence[str], token: str | None, revision: str | None) -> Path:
    try:
        return Path(
            huggingface_hub.snapshot_download(
                model.source,
                revision=revision,
                token=token or False,
                allow_patterns=list(files) or None,
                ignore_patterns=None if files else list(_OTHER_FORMATS),
            )
        )
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise NotGiven(_refusal(model, error, token)) from None
    except HfHubHTTPError as error:
        raise NotGiven(f"the hub answered {error.response.status_code}") from None
    except Exception as error:
        raise NotGiven(
            f"the download broke off ({type(error).__name__}); it goes on from there at the next "
            "start"
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


def _note(model: Model, files: Sequence[str]) -> Path:
    """The file that says that all of a model is here."""
    digest = hashlib.sha256("\n".join([model.source, *files]).encode()).hexdigest()[:16]
    return Path(os.fspath(constants.HF_HUB_CACHE)) / "whole" / digest
