"""Which recordings are meant: files, folders with everything below them, addresses, stdin."""

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from client.failures import Exit, Failure, shown

STDIN = "-"
# What stands beside recordings and is passed over without a word.
_COMPANIONS = frozenset(
    {
        "ass", "aup", "aup3", "bif", "bmp", "cue", "db", "edl", "gif", "html", "idx", "ini",
        "jpeg", "jpg", "json", "log", "lrc", "m3u", "m3u8", "md", "md5", "nfo", "opf",
        "pdf", "png", "pls", "sfv", "sha256", "smi", "srt", "ssa", "sub", "sup", "tbn",
        "tsv", "txt", "url", "vtt", "webp", "xml", "xmp",
    }
)  # fmt: skip
_UNFINISHED = frozenset(
    {
        "!qb", "aria2", "crdownload", "download", "part", "partial", "tmp",
    }
)  # fmt: skip
# Two recordings in a folder that differ in these alone would have results of one name.
_RECORDINGS = frozenset(
    {
        "3gp", "aac", "ac3", "aif", "aiff", "amr", "avi", "caf", "dts", "flac", "flv",
        "gsm", "m2ts", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4",
        "mpeg", "mpg", "oga", "ogg", "ogv", "opus", "ts", "vob", "wav", "webm", "wma",
        "wmv",
    }
)  # fmt: skip

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A recording to look at. ``path`` is None for an address and for standard input."""

    source: str
    path: Path | None
    folder: Path
    stem: str
    certain: bool = field(default=True)
    """Named by the user, so that it is an error when it is no recording."""

    @property
    def name(self) -> str:
        """For people."""
        return "standard input" if self.source == STDIN else shown(self.source)

    def stamp(self) -> tuple[int, int]:
        """Size and time of change. Raises OSError."""
        assert self.path is not None
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns


def find(sources: Iterable[str], out: Path | None, say: Say) -> Iterator[Found]:
    """Everything that the arguments name, each once. Raises Failure for what does not exist."""
    seen: set[str] = set()
    for source in sources:
        for found in _named(source, out, say):
            key = str(found.path.absolute()) if found.path else found.source
            if key not in seen:
                seen.add(key)
                yield found


def folders(sources: Iterable[str]) -> list[str]:
    """Those of the arguments that are folders."""
    return [source for source in sources if Path(source).is_dir()]


def _named(source: str, out: Path | None, say: Say) -> Iterator[Found]:
    if source == STDIN:
        yield Found(source, None, out or Path(), "stdin")
    elif source.startswith(("http://", "https://")):
        yield Found(source, None, out or Path(), _stem_of_url(source))
    elif (path := Path(source)).is_dir():
        yield from _below(path, out, say)
    elif path.is_file():
        yield Found(source, path, out or path.parent, stem(path, _listed(path.parent)))
    elif path.exists():
        raise Failure(f"{shown(source)}: is neither a file nor a folder", Exit.USAGE)
    else:
        raise Failure(f"{shown(source)}: there is no such file or folder", Exit.USAGE)


def _below(root: Path, out: Path | None, say: Say) -> Iterator[Found]:
    """A tree in order. Links are followed, and no folder is entered twice."""
    entered: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            identity = folder.stat()
            names = sorted(_listed(folder, strict=True))
        except OSError as error:
            say(f"{shown(folder)}: cannot be read ({error.strerror}); passed over")
            continue
        if (identity.st_dev, identity.st_ino) in entered:
            continue
        entered.add((identity.st_dev, identity.st_ino))
        target = folder if out is None else out / folder.relative_to(root)
        inner = []
        for name in names:
            if name.startswith((".", "@")):  # hidden, or a disk station's own
                continue
            path = folder / name
            kind = _kind(path, say)
            if kind == "folder":
                inner.append(path)
            elif kind == "file":
                yield Found(str(path), path, target, stem(path, names), certain=False)
        waiting.extend(reversed(inner))


def _kind(path: Path, say: Say) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "is a link to nothing" if path.is_symlink() else error.strerror
        say(f"{shown(path)}: {reason}; passed over")
        return "nothing"
    if stat.S_ISDIR(mode):
        return "folder"
    ending = path.suffix[1:].casefold()
    if not stat.S_ISREG(mode) or ending in _COMPANIONS or ending in _UNFINISHED:
        return "nothing"
    return "file"


def stem(path: Path, names: Iterable[str]) -> str:
    """What the results of ``path`` are called; its whole name where another one shares the stem."""
    others = (other for other in map(Path, names) if other.name != path.name)
    shared = any(o.stem == path.stem and o.suffix[1:].casefold() in _RECORDINGS for o in others)
    return path.name if shared else path.stem


def _listed(folder: Path, *, strict: bool = False) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        if strict:
            raise
        return []


def _stem_of_url(url: str) -> str:
    parts = urlsplit(url)
    name = Path(unquote(parts.path).replace("\0", "")).name or parts.hostname or "recording"
    return Path(name).stem.replace("/", "_") or "recording"
