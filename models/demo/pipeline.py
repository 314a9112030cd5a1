"""The speaker pipeline as one directory for pyannote: our files, and whisperx's segmentation.

The segmentation weights are not ours and not in this repository: the installed whisperx package
carries them. `assemble` puts links to both side by side, as ``Pipeline.from_pretrained`` wants.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Final

COMMITTED: Final = Path(__file__).parent / "diarization"


def whisperx_assets() -> Path:
    """The folder of data files inside the installed whisperx, found without importing it."""
    spec = importlib.util.find_spec("whisperx")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("whisperx is not installed")
    return Path(spec.origin).parent / "assets"


def assemble(target: Path, committed: Path = COMMITTED) -> Path:
    """Lay out the pipeline in ``target``, a new or earlier assembled directory; returns it."""
    files = {path.relative_to(committed): path for path in committed.rglob("*") if path.is_file()}
    files[Path("segmentation/pytorch_model.bin")] = whisperx_assets() / "pytorch_model.bin"
    for name, source in files.items():
        _link(source.resolve(strict=True), target / name)
    return target


def _link(source: Path, link: Path) -> None:
    """Make ``link`` point to ``source``, also when several processes do so at once."""
    link.parent.mkdir(parents=True, exist_ok=True)
    part = link.with_name(f".{link.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    part.symlink_to(source)
    part.replace(link)
