"""torchaudio's aligners, fetched to where torchaudio looks for them: TORCH_HOME."""

import os
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from models import cache
from models.bar import bar
from models.network import Network, NotGiven
from models.registry import Model

PUBLISHER = "https://download.pytorch.org/torchaudio/models/"
_READ_SECONDS = 15.0
_CHUNK = 1 << 18  # bytes

# The files of torchaudio's bundles; a test compares.
FILES: Mapping[str, str] = MappingProxyType(
    {
        "WAV2VEC2_ASR_BASE_960H": "wav2vec2_fairseq_base_ls960_asr_ls960.pth",
        "VOXPOPULI_ASR_BASE_10K_FR": "wav2vec2_voxpopuli_base_10k_asr_fr.pt",
        "VOXPOPULI_ASR_BASE_10K_DE": "wav2vec2_voxpopuli_base_10k_asr_de.pt",
        "VOXPOPULI_ASR_BASE_10K_ES": "wav2vec2_voxpopuli_base_10k_asr_es.pt",
        "VOXPOPULI_ASR_BASE_10K_IT": "wav2vec2_voxpopuli_base_10k_asr_it.pt",
    }
)


def file_of(model: Model) -> Path:
    """Where the bundle's file is, or will be."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    home = Path(os.environ.get("TORCH_HOME") or usual).expanduser()
    return home / "hub" / "checkpoints" / FILES[model.source]


def reach(network: Network, *, afresh: bool) -> None:
    """Raises NotGiven where the publisher does not answer."""
    if not network.answers(PUBLISHER, afresh=afresh):
        raise NotGiven(f"{urlsplit(PUBLISHER).netloc} does not answer")


def fetch(model: Model) -> None:
    """Fetches the bundle's file; one that broke off goes on where it was. Raises NotGiven."""
    target = file_of(model)
    with cache.locked(target, lambda _: None):
        if target.exists():
            return
        try:
            _download(PUBLISHER + target.name, target)
        except (OSError, ValueError, HTTPException) as error:
            if getattr(error, "code", None) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _part(target).unlink(missing_ok=True)  # whole, or of another file: begin anew
            raise NotGiven(
                f"the download broke off ({type(error).__name__}); it goes on from there at the "
                "next start"
            ) from None


def _download(url: str, target: Path) -> None:
    """Raises OSError, and ValueError where less came than was announced."""
    part = _part(target)
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the publisher's
    with urllib.request.urlopen(request, timeout=_READ_SECONDS) as answer:  # noqa: S310 - likewise
        have = have if answer.status == HTTPStatus.PARTIAL_CONTENT else 0
        total = have + int(answer.headers["Content-Length"])
        with part.open("ab" if have else "wb") as file, bar(target.name, total, have) as advance:
            while piece := answer.read(_CHUNK):
                advance(file.write(piece))
    if part.stat().st_size != total:
        raise ValueError("less than was announced")
    part.replace(target)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")
