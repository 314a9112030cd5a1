"""Where results go, what counts as one that is there already, and writing them whole."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client.failures import Unusable, shown
from transcription.errors import InvalidInput
from transcription.language import code_of

FORMATS = ("srt", "vtt", "txt", "json", "tsv")
SUBTITLES = frozenset({"srt", "vtt"})
# Subtitles of other makers: where one stands beside a film, the film has subtitles.
_FOREIGN = frozenset({"ass", "ssa", "smi", "sub"})
# Words between a film's name and its ending that name no language.
_REMARKS = frozenset({"sdh", "cc", "default"})
_PARTIAL = "forced"  # only what is said in other languages: not the film's subtitles


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the results of one recording stand: ``folder``/``stem``.…

    ``tagged`` puts the language into the names of subtitles, as players look for it.
    """

    folder: Path
    stem: str
    tagged: bool = False

    def path(self, kind: str, language: str | None) -> Path:
        """The file of a format."""
        tag = f".{language}" if self.tagged and language and kind in SUBTITLES else ""
        return self.folder / f"{self.stem}{tag}.{kind}"

    def existing(self, kind: str, wanted: str | None) -> Path | None:
        """The file that makes a new one of this format needless.

        Of subtitles: one in the language ``wanted``, or one whose name tells none; any, where
        nobody knows the language.
        """
        plain = self.folder / f"{self.stem}.{kind}"
        if kind not in SUBTITLES or plain.exists():
            return plain if plain.exists() else None
        endings = {kind, *_FOREIGN} if self.tagged else {kind}
        for name, language in self._subtitles(endings):
            if wanted is None or language is None or language == wanted:
                return self.folder / name
        return None

    def _subtitles(self, endings: set[str]) -> Iterator[tuple[str, str | None]]:
        """(name, language) of each subtitle file of this recording."""
        try:
            names = sorted(path.name for path in self.folder.iterdir())
        except OSError:
            return
        for name in names:
            stem, _, ending = name.rpartition(".")
            if ending.casefold() not in endings or not f"{stem}.".startswith(f"{self.stem}."):
                continue
            words = [word.casefold() for word in stem[len(self.stem) :].split(".") if word]
            if _PARTIAL in words:
                continue
            words = [word for word in words if word not in _REMARKS]
            # Behind a language `hi` says hard of hearing; in its place it is Hindi.
            language = _language(words[0]) if words else None
            if language or not words:
                yield name, language


def _language(word: str) -> str | None:
    try:
        return code_of(word)
    except InvalidInput:
        return None


def prepare(folder: Path) -> None:
    """Make the folder for results. Raises Unusable where they could not be written later."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise Unusable(f"no result can be written to {shown(folder)}; --out names another folder")


def write(path: Path, content: bytes, *, replace: bool) -> bool:
    """Put a result in its place in one step; False where a file stands there and may not go."""
    made = path.parent / f".whisperx-stack-{secrets.token_hex(8)}"
    try:
        with made.open("xb") as file:
            file.write(content)
        if replace:
            made.replace(path)
            return True
        return _place(made, path)
    finally:
        made.unlink(missing_ok=True)


def _place(made: Path, path: Path) -> bool:
    """Rename without overwriting, where the file system can; else look first."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        return False
    except OSError:  # no hard links here
        if path.exists():
            return False
        made.replace(path)
    return True
