"""Fitted windows beside windows of 30 s, in people's conversations.

``python -m benchmarks.quality.fitted FOLDER``: every recording of a folder through the whole of
recognition, with fitted windows and without (``FITTED_WINDOWS=0``). Nobody wrote down what is said,
so what counts is how far two runs differ; two runs of 30 s, one of a recording that begins a tenth
of a second later, differ as well.
"""

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words
from evaluation.sounds import as_wav
from transcription.audio import SAMPLE_RATE, Samples, decode
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.findings import Report
from transcription.options import Options
from transcription.pipeline import Pipeline

WHOLE, FITTED, LATER = "30 s", "fitted", "30 s, 0.1 s later"
WORSE = 2  # words more in a window: such windows are shown
LATE = SAMPLE_RATE // 10
LONGEST = (14, 30)  # seconds of a window; all of the first are fitted


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of every window by its start, and how many windows were heard again."""

    windows: dict[float, list[str]]
    retries: int

    @classmethod
    def of(cls, report: Report, language: str) -> "Heard":
        """What is in a report."""
        segments = report.transcript.segments
        windows = {one.start: counted_words(one.text, language) for one in segments}
        return cls(windows, report.retries)

    @property
    def words(self) -> list[str]:
        """All of them."""
        return [word for window in self.windows.values() for word in window]


def pipelines(settings: Settings) -> dict[str, Pipeline]:
    """With fitted windows and without."""
    return {
        FITTED: Pipeline(WhisperxEngine(replace(settings, fitted_windows=True))),
        WHOLE: Pipeline(WhisperxEngine(replace(settings, fitted_windows=False))),
    }


def hear(
    made: dict[str, Pipeline], samples: Samples, longest: int, language: str
) -> dict[str, Heard]:
    """One recording in every way."""
    options = Options(language=language, chunk_size=longest, align_output=False, diarization=False)
    later = np.concatenate([np.zeros(LATE, np.float32), samples])
    ways = {WHOLE: (WHOLE, samples), FITTED: (FITTED, samples), LATER: (WHOLE, later)}
    return {
        way: Heard.of(made[which].transcribe(as_wav(sound), options), language)
        for way, (which, sound) in ways.items()
    }


def row(longest: int, way: str, heard: Sequence[dict[str, Heard]]) -> str:
    """A line of the table: how ``way`` differs from windows of 30 s."""
    edits: Counter[str] = Counter()
    for each in heard:
        edits.update(edit.tag for edit in Levenshtein.editops(each[WHOLE].words, each[way].words))
    # Of a recording that begins later the windows begin elsewhere.
    window = max(more(each) for each in heard) if way == FITTED else ""
    recording = max(len(each[way].words) - len(each[WHOLE].words) for each in heard)
    cells = [
        f"{longest} s, {way}",
        sum(len(each[WHOLE].windows) for each in heard),
        sum(len(each[WHOLE].words) for each in heard),
        sum(each[way].retries for each in heard),
        *(edits[tag] for tag in ("insert", "delete", "replace")),
        window,
        recording,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def more(heard: dict[str, Heard]) -> int:
    """The most words that a fitted window has beyond the same one at 30 s; shows such windows."""
    most = 0
    for start, known, words in beside(heard[WHOLE].windows, heard[FITTED].windows):
        if len(words) - len(known) > WORSE:
            print(f"{start:.1f} s:", *known, "|", *words, file=sys.stderr)
        most = max(most, len(words) - len(known))
    return most


def beside(
    one: Mapping[float, list[str]], other: Mapping[float, list[str]]
) -> Iterator[tuple[float, list[str], list[str]]]:
    """The words of both from each start that they share to the next.

    A window that one of them heard in parts has more starts there.
    """
    for start, end in pairwise([0.0, *sorted((one.keys() & other.keys()) - {0.0}), math.inf]):
        yield start, _between(one, start, end), _between(other, start, end)


def _between(windows: Mapping[float, list[str]], start: float, end: float) -> list[str]:
    return [word for time, words in windows.items() if start <= time < end for word in words]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.fitted")
    parser.add_argument("folder", type=Path, help="recordings of conversations")
    parser.add_argument("--language", default="en")
    parser.add_argument("--longest", type=int, nargs="*", default=LONGEST, help="s of a window")
    asked = parser.parse_args()
    usual = {"MODELS": "base", "ALIGN_LANGUAGES": "", "DIARIZATION_MODEL": "base"}
    made = pipelines(Settings.from_environment({**usual, **os.environ}))
    sounds = [decode(path) for path in sorted(asked.folder.iterdir()) if path.is_file()]
    columns = ["windows", "words at 30 s", "heard again", "inserted", "missing", "others"]
    columns = ["longest window, run", *columns, "most more in a window", "in a recording"]
    print(f"| {' | '.join(columns)} |", flush=True)
    for longest in asked.longest:
        heard = [hear(made, samples, longest, asked.language) for samples in sounds]
        for way in (FITTED, LATER):
            print(row(longest, way, heard), flush=True)


if __name__ == "__main__":
    main()
