"""How long the engine takes to load its models, beside reading the same weights and no more.

Random models of production size, each round in a process of its own, by turns; the files are in
the system's cache. Imports are counted apart: both need the same libraries.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from benchmarks import random_models
from benchmarks.process import measured

ROUNDS = 3
_WEIGHTS = {".bin", ".pt", ".pth"}


def engine() -> tuple[float, float]:
    """Seconds of imports, and of everything that `WhisperxEngine` does before it is ready."""
    began = time.perf_counter()
    from transcription.engine.settings import Settings
    from transcription.engine.whisperx_engine import WhisperxEngine

    imported = time.perf_counter()
    WhisperxEngine(Settings.from_environment(os.environ))
    return imported - began, time.perf_counter() - imported


def weights() -> tuple[float, float]:
    """The same for the weights alone, each read by its own library as the engine reads it."""
    began = time.perf_counter()
    # What reads weights is in them; whisperx brings a speech detector's along.
    import ctranslate2
    import torch

    from models.demo.pipeline import whisperx_assets
    from transcription.engine import whisperx_engine  # noqa: F401 - imports alike
    from transcription.engine.device import choose
    from transcription.engine.settings import Settings

    settings = Settings.from_environment(os.environ)
    device = choose(settings)
    imported = time.perf_counter()
    folders = (os.environ["TORCH_HOME"], os.environ["DIARIZATION_MODEL"], whisperx_assets())
    kept = [
        ctranslate2.models.Whisper(
            model, device.whisper, compute_type=device.compute_type, intra_threads=device.threads
        )
        for model in settings.models
    ]
    kept += [
        torch.load(file, map_location=device.torch, weights_only=False)
        for folder in folders
        for file in Path(folder).rglob("*")
        if file.suffix in _WEIGHTS
    ]
    return imported - began, time.perf_counter() - imported


WHAT: Mapping[str, Callable[[], tuple[float, float]]] = {"engine": engine, "weights": weights}


def run(rounds: int, size: str) -> Mapping[str, list[tuple[float, float]]]:
    """Seconds of imports and of loading, of every round."""
    models = random_models.environment(size)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WHAT}
    for _ in range(rounds):
        for name, own in found.items():
            own.append(measured("benchmarks.engine_start", "--one", name, environment=models))
    return found


def table(found: Mapping[str, list[tuple[float, float]]]) -> str:
    """Medians, in Markdown."""
    lines = ["| what | imports | loading |", "| --- | --- | --- |"]
    for name, seconds in found.items():
        imports, loading = (median(each) for each in zip(*seconds, strict=True))
        lines.append(f"| {name} | {imports:.1f} s | {loading:.1f} s |")
    pairs = zip(found["engine"], found["weights"], strict=True)
    ratio = median(own[1] / alone[1] for own, alone in pairs)
    return "\n".join([*lines, f"\nLoading takes {ratio:.2f} times as long as reading."])


def main(arguments: list[str]) -> int:
    """The table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_start", description=__doc__)
    parser.add_argument("--size", choices=random_models.SIZES, default="large-v3", help="Whisper's")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--one", choices=WHAT, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(WHAT[asked.one]()))
    else:
        print(table(run(asked.rounds, asked.size)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
