"""What people say, understood by ours, stock and faster-whisper, on one model.

``python -m benchmarks.quality.people FOLDER``: every clip of a folder (`benchmarks.prompts` fills
one), then recordings in which nobody speaks, then the clips of each language as one recording. The
programs take turns recording by recording: what disturbs the machine disturbs all. None gets the
language. What was heard is kept in a file, and a run that is started again goes on from there.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.quality.listeners import hear, listeners
from benchmarks.quality.understanding import (
    CLIP,
    NOTHING,
    SEQUENTIAL,
    WHOLE,
    Heard,
    Result,
    Task,
    tables,
)
from evaluation.people import Clip, clips
from evaluation.sounds import WITHOUT_SPEECH, in_a_row
from transcription.audio import Samples, decode, seconds
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings

_LONGEST = 300.0  # s of clips in one recording
_NOTHING_SECONDS = 30.0

Recording = tuple[Task, Samples]


def recordings(folder: Path) -> Iterator[Recording]:
    """Everything that is listened to, one after the other."""
    every = clips(folder)
    spoken = [clip for clip in every if clip.text]
    for clip in spoken:
        yield _task(CLIP, f"{clip.group}/{clip.name}", clip, decode(clip.audio))
    for clip in every:
        if not clip.text:
            yield _task(NOTHING, f"{clip.group}/{clip.name}", clip, decode(clip.audio))
    for name, sound in WITHOUT_SPEECH.items():
        samples = sound(_NOTHING_SECONDS)
        yield Task(NOTHING, name, "", "", seconds(samples)), samples
    for group in dict.fromkeys(clip.group for clip in spoken):
        yield _whole([clip for clip in spoken if clip.group == group])


def _task(kind: str, name: str, clip: Clip, samples: Samples) -> Recording:
    return Task(kind, name, clip.language, clip.text, seconds(samples)), samples


def _whole(of_group: Sequence[Clip]) -> Recording:
    """The first minutes of a group's clips, one after the other."""
    samples = [decode(clip.audio) for clip in of_group]
    ends = np.cumsum([seconds(piece) for piece in samples])
    count = max(1, int(np.searchsorted(ends, _LONGEST)))
    recording = in_a_row(*samples[:count])
    said = " ".join(clip.text for clip in of_group[:count])
    first = of_group[0]
    return Task(WHOLE, first.group, first.language, said, seconds(recording)), recording


def run(folder: Path, kept: Path, settings: Settings) -> list[Result]:
    """What every program heard in every recording, also added to ``kept``, line by line."""
    known = _read(kept)
    programs = listeners(settings)
    results = []
    with kept.open("a") as file:
        for turn, (task, samples) in enumerate(recordings(folder)):
            heard = {}
            for name in _rotated(_asked(task, list(programs)), turn):
                key = (task.kind, task.name, name)
                if key not in known:
                    known[key] = hear(programs[name], samples)
                    line = json.dumps([*key, asdict(known[key])], ensure_ascii=False)
                    print(line, file=file, flush=True)
                heard[name] = known[key]
            results.append(Result(task, heard))
    return results


def _read(kept: Path) -> dict[tuple[str, str, str], Heard]:
    lines = kept.read_text().splitlines() if kept.is_file() else []
    return {
        (kind, name, program): Heard(**heard)
        for kind, name, program, heard in map(json.loads, lines)
    }


def _asked(task: Task, programs: list[str]) -> list[str]:
    """Clips are short of what tells windows in sequence from windows in batches."""
    return [name for name in programs if task.kind != CLIP or name != SEQUENTIAL]


def _rotated(programs: list[str], turn: int) -> list[str]:
    """Whoever goes first finds the caches cold, so each does in its turn."""
    first = turn % len(programs)
    return programs[first:] + programs[:first]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.people")
    parser.add_argument("folder", type=Path, help="with a manifest, clips.toml")
    parser.add_argument("--kept", type=Path, default=Path("people.jsonl"), help="what was heard")
    asked = parser.parse_args()
    # Speakers are nobody's question here.
    usual = {"MODELS": "base", "ALIGN_LANGUAGES": "", "DIARIZATION_MODEL": "base"}
    settings = Settings.from_environment({**usual, **os.environ})
    fetch_missing(settings)
    print(tables(run(asked.folder, asked.kept, settings)))


if __name__ == "__main__":
    main()
