"""Training of the demo models from nothing; the script ``train`` runs this.

Every step is seeded, and resumes where a killed run stopped. Budgets are seconds of CPU time, so
a busy machine makes the run longer, not the models worse.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from models.demo import (
    alignment,
    conversion,
    corpus,
    punkt,
    recognition,
    speakers,
    tokenizer,
    voices,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.demo.corpus import Utterance

HERE: Final = Path(__file__).parent
BUDGET: Final = {"whisper": 10_000.0, "align": 600.0, "speakers": 150.0}  # CPU seconds


@dataclass(frozen=True)
class Options:
    """Where to work, where to write, and how long to train."""

    scratch: Path
    out: Path
    share: float  # of every budget; 0 exports the checkpoints as they are
    processes: int

    def budget(self, part: str) -> float:
        """CPU seconds for this part."""
        return self.share * BUDGET[part]


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Say how long a step takes."""
    wall, cpu = time.monotonic(), time.process_time()
    print(f"{step} ...", flush=True)
    yield
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"{step}: {wall:.0f} s, {cpu:.0f} CPU-s in this process", flush=True)


def train_whisper(options: Options) -> None:
    """Corpus, recogniser, conversion."""
    tokens = options.scratch / "tokenizer.json"
    with timed("tokenizer"):
        if not tokens.exists():
            tokenizer.build(tokens)
        vocabulary = tokenizer.Vocabulary(tokens)
    utterances: list[Utterance] = []
    for language, pool in voices.SPEAKERS.items():
        sentences = options.scratch / f"sentences-{language}"
        with timed(f"sentences {language}"):
            corpus.build(sentences, pool, shards=10, size=2000, processes=options.processes)
            utterances += corpus.load(sentences)
    print(f"{len(utterances)} sentences, {corpus.hours(utterances):.1f} h", flush=True)
    with timed("recogniser"):
        model = recognition.train(
            utterances, vocabulary, options.scratch / "whisper.pt", budget=options.budget("whisper")
        )
    with timed("conversion"):
        conversion.save(model, vocabulary, tokens, options.out / "whisper")


def train_align(options: Options) -> None:
    """An aligner per language, taught by the trained voices and by others."""
    for language, trained in voices.SPEAKERS.items():
        pool = (*trained * 10, *voices.wide(language))
        path = options.scratch / f"align-{language}.pt"
        with timed(f"aligner {language}"):
            model = alignment.train(pool, path, budget=options.budget("align"))
        alignment.save(model, options.out / "align" / language)


def train_speakers(options: Options) -> None:
    """Corpus of many voices, speaker embedding, pipeline directory."""
    utterances: list[Utterance] = []
    for language in voices.SPEAKERS:
        sentences = options.scratch / f"voices-{language}"
        pool = voices.wide(language)
        with timed(f"voices {language}"):
            corpus.build(sentences, pool, shards=4, size=1500, processes=options.processes)
            utterances += corpus.load(sentences)
    with timed("speaker embedding"):
        network = speakers.train(
            utterances, options.scratch / "speakers.pt", budget=options.budget("speakers")
        )
    speakers.save(network, options.out / "diarization")


def write_tables(options: Options) -> None:
    """Sentence tables for NLTK."""
    punkt.write(options.out / "nltk_data")


def write_recordings(_: Options) -> None:
    """The demo recordings in examples/, each by a process of its own.

    espeak-ng's samples vary a little with what it spoke before; a fresh one gives the same file.
    """
    root = HERE.parents[1]
    for language in voices.SPEAKERS:
        command = [sys.executable, "-m", "models.demo.conversation", "--language", language]
        subprocess.run(command, check=True, cwd=root)


STEPS: Final = {
    "whisper": train_whisper,
    "align": train_align,
    "speakers": train_speakers,
    "tables": write_tables,
    "recordings": write_recordings,
}


def main() -> None:
    """Train the demo models from nothing."""
    parser = argparse.ArgumentParser(prog="models/demo/train", description=main.__doc__)
    parser.add_argument("--only", choices=STEPS, help="one step instead of all")
    parser.add_argument(
        "--scratch", type=Path, default=HERE / "scratch", help="corpora, checkpoints"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where the models go")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of each CPU budget; 0 exports the checkpoints"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    options = Options(arguments.scratch, arguments.out, arguments.share, arguments.threads)
    for name, step in STEPS.items():
        if arguments.only in (None, name):
            step(options)


if __name__ == "__main__":
    main()
