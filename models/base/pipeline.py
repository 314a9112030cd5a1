"""The speaker pipeline for people's voices as one directory for pyannote."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.demo import pipeline

COMMITTED: Final = Path(__file__).parent / "diarization"


def assemble(target: Path) -> Path:
    """Lay out the pipeline in ``target``, a new or earlier assembled directory; returns it."""
    return pipeline.assemble(target, COMMITTED)
