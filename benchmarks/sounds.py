"""Sounds and music in which nobody speaks or sings: ``python -m benchmarks.sounds FOLDER``.

Fetched from Debian's packages (0.4 GB); nothing is installed and nothing of it is committed. FOLDER
gets a WAV file for each chosen sound, and the manifest that `evaluation.people` reads.
``sounds.toml`` beside this program says what is taken of a package, and what has voices in it.
"""

import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.packages import quoted, unpacked, write
from evaluation.people import MANIFEST
from transcription.audio import SAMPLE_RATE, Samples, decode, seconds
from transcription.errors import InvalidAudio

CHOICE = Path(__file__).with_name("sounds.toml")
LONGEST = 30.0  # s of each, from the first third on: music often begins softly
SHORTEST = 0.3  # s
_ENDINGS = (".flac", ".oga", ".ogg", ".wav")


@dataclass(frozen=True, slots=True)
class Source:
    """What is taken of a package: up to ``count`` of the files below ``under``, evenly spread.

    ``left_out`` are patterns of names of files in which there are voices.
    """

    package: str
    under: str
    count: int
    licence: str
    left_out: Sequence[str] = ()


def sources(choice: Path = CHOICE) -> list[Source]:
    """All that is taken."""
    with choice.open("rb") as file:
        known: dict[str, Any] = tomllib.load(file)
    common = known.pop("left_out")
    return [
        Source(name, **{**about, "left_out": [*common, *about.get("left_out", ())]})
        for name, about in known.items()
    ]


def fetch(folder: Path, every: Sequence[Source]) -> None:
    """Fills ``folder``. Raises CalledProcessError where apt-get or dpkg-deb fails."""
    with tempfile.TemporaryDirectory() as scratch:
        share = unpacked(Path(scratch), [source.package for source in every])
        tables = [_written(source, share, folder) for source in every]
    (folder / MANIFEST).write_text("\n".join(tables))


def _written(source: Source, share: Path, folder: Path) -> str:
    """The package's table of the manifest; its recordings are written to ``folder``."""
    about = {
        "language": "",
        "speaker": "nobody",
        "licence": source.licence,
        "source": f"Debian's {source.package}",
    }
    lines = [f"[{source.package}]", *(f"{key} = {quoted(value)}" for key, value in about.items())]
    for name, samples in chosen(source, share):
        path = f"{source.package}/{name}.wav"
        write(folder / path, np.round(samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        lines.append(f'clips.{quoted(path)} = ""')
    return "\n".join([*lines, ""])


def chosen(source: Source, share: Path) -> Iterator[tuple[str, Samples]]:
    """Names and samples, of what lies in ``share``."""
    every = {
        _name(path, share / source.under): path
        for path in sorted((share / source.under).rglob("*"))
        if path.suffix in _ENDINGS and path.is_file() and not _has_voices(path, source)
    }
    long = {name: samples for name, path in every.items() if len(samples := _part(path))}
    count = min(source.count, len(long))
    names = list(long)
    for number in range(count):
        name = names[len(names) * number // count]
        yield name, long[name]


def _has_voices(path: Path, source: Source) -> bool:
    return any(fnmatch(path.stem, pattern) for pattern in source.left_out)


def _name(path: Path, under: Path) -> str:
    """Unique within a package, which has folders."""
    return "-".join(path.relative_to(under).with_suffix("").parts).replace(" ", "-")


def _part(path: Path) -> Samples:
    """`LONGEST` seconds of it; nothing where it cannot be read or is shorter than `SHORTEST`."""
    try:
        samples = decode(path)
    except InvalidAudio:
        return np.zeros(0, np.float32)
    if seconds(samples) < SHORTEST:
        return samples[:0]
    first = max(0.0, min(seconds(samples) / 3, seconds(samples) - LONGEST))
    start = int(first * SAMPLE_RATE)
    return samples[start : start + int(LONGEST * SAMPLE_RATE)]


if __name__ == "__main__":
    fetch(Path(sys.argv[1]), sources())
