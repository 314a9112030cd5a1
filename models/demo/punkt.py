"""Near-empty sentence tables for NLTK, so that ``whisperx.align`` needs no download.

The tables are ours: with no statistics, Punkt splits at every full stop that does not follow one
of these abbreviations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABBREVIATIONS: Final[Mapping[str, str]] = {
    "english": (
        "dr mr mrs ms prof sr jr st vs etc e.g i.e u.s no inc ltd co a.m p.m "
        "jan feb mar apr aug sept oct nov dec"
    ),
    "spanish": "sr sra srta dr dra prof ud uds vd etc pág av ee.uu a.m p.m núm",
}


def write(folder: Path) -> None:
    """Write each language's tables below ``folder``, a directory for ``NLTK_DATA``."""
    for language, abbreviations in ABBREVIATIONS.items():
        tables = folder / "tokenizers" / "punkt_tab" / language
        tables.mkdir(parents=True, exist_ok=True)
        (tables / "abbrev_types.txt").write_text(abbreviations.replace(" ", "\n"))
        for name in ("collocations.tab", "sent_starters.txt", "ortho_context.tab"):
            (tables / name).write_text("")
