"""How fast the pipeline is, beside stock whisperx on the same models.

Each run is a process of its own, so that its peak memory is its own, and the two take turns: what
disturbs the machine disturbs both. Imports are not timed; a short recording goes first, so that
nothing is timed cold. "Reload" is stock as the system we replace calls it: every model is loaded
for every request.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import random_models
from benchmarks.process import measured, peak_megabytes
from evaluation import recordings
from models.registry import DEMO_NLTK_DATA

MINUTES = (1.0, 10.0)
LONG = 60.0
PEOPLE = 5.0
WARM_UP_SECONDS = 4
SIZE = "large-v3"  # of the random Whisper
STAGES = ("recognition", "alignment", "diarization", "embeddings")

# Importing our engine, as these programs do, would set PASSIVE; nobody who calls stock does that.
_AS_SHIPPED = {"OMP_WAIT_POLICY": ""}
_OTHERS = ("stock", "recognized")
# The sets that lie in this repository, so that both run with the same.
_BASE = {
    "MODELS": "base",
    "ALIGN_LANGUAGES": "en=demo-en",
    "DIARIZATION_MODEL": "base",
    "NLTK_DATA": str(DEMO_NLTK_DATA),
}
_DEMO = {"MODELS": "demo", "NLTK_DATA": str(DEMO_NLTK_DATA)}

Result = dict[str, Any]


def measure(name: str, minutes: float, write: Callable[[Path, float], Path]) -> Result:
    """One system on ``minutes`` of audio, which ``write`` writes, in this process."""
    from benchmarks.clock import Clock
    from benchmarks.systems import Beside, Ours, Recognized, Stock, System

    systems: dict[str, Callable[[], System]] = {
        "ours": Ours,
        "beside": Beside,
        "stock": Stock,
        "recognized": Recognized,
    }
    system = systems[name]()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        short = write(Path(folder, "a.wav"), WARM_UP_SECONDS)
        system.transcribe(short, Clock())
        recording = write(Path(folder, "b.wav"), 60 * minutes)
        before = peak_megabytes()
        words = system.transcribe(recording, clock)
    peak = peak_megabytes()
    start = time.perf_counter()
    systems[name]()
    return {
        "system": name,
        "minutes": minutes,
        "words": words,
        "reload": time.perf_counter() - start,
        "wall": {**clock.wall, "whole": _whole(clock.wall)},
        "cpu": {**clock.cpu, "whole": _whole(clock.cpu)},
        "loaded_mb": before,
        "peak_mb": peak,
    }


def _whole(seconds: dict[str, float]) -> float:
    # Embedding is a part of diarization.
    return sum(own for stage, own in seconds.items() if stage != "embeddings")


def run(
    lengths: tuple[float, ...], rounds: int, size: str | None = None, *, people: bool = False
) -> list[Result]:
    """All systems on every length, in turns.

    ``size``: of a random Whisper; ``people``: base, on people's speech; else the demo set.
    """
    models = random_models.environment(size) if size else _BASE if people else _DEMO
    return [
        measured(
            "benchmarks.pipeline",
            *("--one", name, str(minutes)),
            *(["--people"] if people else []),
            environment={**models, **(_AS_SHIPPED if name in _OTHERS else {})},
        )
        for minutes in lengths
        for _ in range(rounds)
        for name in ("ours", "beside", "stock", *(["recognized"] if people else []))
    ]


def table(results: list[Result]) -> str:
    """Medians of all systems and of the ratios of runs that followed each other, in Markdown."""
    head = ["audio", "what", "ours", "stock", "times as fast", "CPU ours", "CPU stock", "less CPU"]
    lines = [head, ["---"] * len(head)]
    for minutes in dict.fromkeys(result["minutes"] for result in results):
        own = [result for result in results if result["minutes"] == minutes]
        lines += [[f"{minutes:g} min", *row] for row in _rows(own)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(results: list[Result]) -> Iterator[list[str]]:
    """The lines of one length."""
    ours, beside, stock, recognized = (
        [result for result in results if result["system"] == name]
        for name in ("ours", "beside", "stock", "recognized")
    )
    # The diarizer of `base` embeds in a way of its own, which is not timed apart.
    for stage in (name for name in STAGES if all(name in one["wall"] for one in [*ours, *stock])):
        yield [stage, *_times(_each(ours, stage), _each(stock, stage)), *_cpu(ours, stock, stage)]
    whole = _each(stock, "whole")
    yield ["whole, resident", *_times(_each(ours, "whole"), whole), *_cpu(ours, stock, "whole")]
    if beside:
        yield ["whole, diarization beside", *_times(_each(beside, "whole"), whole), "", "", ""]
    if recognized:
        alone = _times(_each(beside, "whole"), _each(recognized, "whole"))
        yield ["whole, beside faster-whisper's recognition alone", *alone, "", "", ""]
    reloading = [result["wall"]["whole"] + result["reload"] for result in stock]
    as_served = _each(beside or ours, "whole")
    yield ["whole, stock reloads", *_times(as_served, reloading), "", "", ""]
    peaks = [f"{median(r['peak_mb'] for r in each):.0f} MB" for each in (ours, stock)]
    yield ["peak memory", *peaks, "", "", "", ""]


def _each(results: list[Result], stage: str, what: str = "wall") -> list[float]:
    return [result[what][stage] for result in results]


def _cpu(ours: list[Result], stock: list[Result], stage: str) -> list[str]:
    return _times(_each(ours, stage, "cpu"), _each(stock, stage, "cpu"))


def _times(ours: list[float], stock: list[float]) -> list[str]:
    ratio = median(b / a for a, b in zip(ours, stock, strict=True))
    return [f"{median(ours):.1f} s", f"{median(stock):.1f} s", f"{ratio:.2f}"]


def main(arguments: list[str]) -> int:
    """The tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--long", action="store_true", help=f"also {LONG:g} minutes")
    parser.add_argument("--minutes", type=float, nargs="+", help="these lengths instead")
    parser.add_argument("--people", action="store_true", help="base, on people's speech")
    parser.add_argument("--production", action="store_true", help="random models of full size")
    parser.add_argument("--size", choices=random_models.SIZES, default=SIZE, help="of Whisper then")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, help="a file of results (JSON lines) to tabulate")
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "MINUTES"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        write = recordings.write_people if asked.people else recordings.write
        print(json.dumps(measure(asked.one[0], float(asked.one[1]), write)))
        return 0
    if asked.results:
        print(table([json.loads(line) for line in asked.results.read_text().splitlines()]))
        return 0
    if asked.people:
        usual: tuple[float, ...] = (PEOPLE,)
    else:
        usual = (1.0,) if asked.production else (*MINUTES, *((LONG,) if asked.long else ()))
    lengths = tuple(asked.minutes or usual)
    size = asked.size if asked.production else None
    print(table(run(lengths, asked.rounds, size, people=asked.people)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
