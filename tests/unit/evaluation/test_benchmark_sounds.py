"""What is taken of packages of sounds."""

from pathlib import Path

import numpy as np

from benchmarks.sounds import LONGEST, Source, chosen, sources
from evaluation.sounds import as_wav
from transcription.audio import SAMPLE_RATE, seconds

SOUNDS = Source("zoo", "zoo/sounds", 3, "GPL-2", ["*_desc"])


def lay(share: Path, name: str, *pieces: float, each: float = 1.0) -> None:
    """A recording of ``each`` seconds for every one of ``pieces``, as loud as it says."""
    path = share / "zoo" / "sounds" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_wav(np.repeat(np.array(pieces, np.float32), int(each * SAMPLE_RATE))))


def test_voices_and_what_is_too_short_or_broken_are_left_out(tmp_path: Path) -> None:
    for name in ("birds/hen", "birds/hen_desc", "cow"):
        lay(tmp_path, name, 0.1)
    lay(tmp_path, "click", 0.1, each=0.2)
    for name in ("README", "broken.wav"):
        (tmp_path / "zoo" / "sounds" / name).write_text("no sound")
    assert [name for name, _ in chosen(SOUNDS, tmp_path)] == ["birds-hen", "cow"]


def test_sounds_are_spread_over_all_that_there_are(tmp_path: Path) -> None:
    for number in range(9):
        lay(tmp_path, f"{number}", 0.1)
    assert [name for name, _ in chosen(SOUNDS, tmp_path)] == ["0", "3", "6"]


def test_of_a_long_piece_its_middle_is_taken(tmp_path: Path) -> None:
    lay(tmp_path, "tune", *[0.0] * 20, *[0.5] * 40)
    ((_, samples),) = chosen(SOUNDS, tmp_path)
    assert seconds(samples) == LONGEST
    assert np.allclose(samples, 0.5, atol=0.001)


def test_every_package_says_where_its_sounds_lie_and_what_has_voices() -> None:
    every = sources()
    assert len({source.package for source in every}) == len(every)
    assert all(source.under and source.licence and source.count for source in every)
    assert all("*voice*" in source.left_out for source in every)
