"""Recordings of people with what they say: a folder with a manifest, ``clips.toml``.

Each table of the manifest is a group of clips by one speaker from one source, under one licence:

    [kennedy]
    language = "en"
    speaker = "John F. Kennedy"
    licence = "public domain"
    source = "where it was taken from"
    clips."kennedy/ask-not.opus" = "And so, my fellow Americans, …"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "clips.toml"
CORPUS = Path(__file__).parent.parent / "tests" / "speech" / "corpus"  # ours


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of one person. ``text`` is what is said, empty where nobody speaks."""

    audio: Path
    text: str
    group: str
    language: str
    speaker: str
    licence: str
    source: str

    @property
    def name(self) -> str:
        """The file without folder and ending, which is unique within its group."""
        return self.audio.stem


def clips(folder: Path) -> list[Clip]:
    """Every clip that the manifest in ``folder`` names. Raises FileNotFoundError without one."""
    with (folder / MANIFEST).open("rb") as file:
        groups: Mapping[str, Mapping[str, Any]] = tomllib.load(file)
    return [
        Clip(
            folder / path,
            text,
            name,
            group["language"],
            group["speaker"],
            group["licence"],
            group["source"],
        )
        for name, group in groups.items()
        for path, text in group["clips"].items()
    ]
