"""Puts pinned models into a directory of MODEL_SOURCES: python images/bake.py base /opt/models."""

import shutil
import sys
from pathlib import Path

from models.registry import whisper
from models.sources import DEFAULT, Sources

*names, target = sys.argv[1:]
for name in names:
    folder = Sources(DEFAULT, None, print).whisper(whisper(name))
    if folder is None:
        sys.exit(f"{name} is not pinned")
    shutil.copytree(folder, Path(target) / name)
