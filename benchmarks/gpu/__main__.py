"""What a graphics card makes of it: ``python -m benchmarks.gpu``, ten minutes.

``machine``: the card and the versions. ``people``: our clips of people on the card and on the
processor, with Whisper base. ``full``: the same in a memory that is nearly full. ``base`` and
``production``: an hour of people, stage by stage and whole, with base and with random models of
production size. ``pack FOLDER`` makes what a machine without a network needs.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks import random_models
from benchmarks.gpu import card, pack
from models.registry import DEMO_NLTK_DATA
from stack.settings import ROOT

MINUTES = 60.0
SIZE = "large-v3"
TEXTS = 2  # in a window of the random Whisper: 62 words, as many as people say in 25 s

_BASE = {"MODELS": "base", "DIARIZATION_MODEL": "base", "NLTK_DATA": str(DEMO_NLTK_DATA)}


def _machine(_asked: argparse.Namespace) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in card.described().items())


def _people(_asked: argparse.Namespace) -> Iterator[str]:
    from benchmarks.gpu import people

    return people.compare()


def _full(_asked: argparse.Namespace) -> Iterator[str]:
    from benchmarks.gpu import people

    return people.full() if card.is_there() else iter(["no card, no table"])


def _hour(asked: argparse.Namespace) -> Iterator[str]:
    from benchmarks.gpu.stages import Bench

    bench = Bench.of_environment(asked.minutes)
    yield f"| {asked.minutes:g} min | seconds | MB of the card at most |"
    yield "| --- | --- | --- |"
    for what, seconds, megabytes in bench.stages(asked.batches):
        yield f"| {what} | {seconds:.2f} | {megabytes:.0f} |"
    for _ in range(asked.rounds):
        what, seconds, megabytes = bench.whole(asked.minutes)
        yield f"| {what} | {seconds:.2f} | {megabytes:.0f} |"


Part = Callable[[argparse.Namespace], Iterator[str]]
PARTS: Mapping[str, Part] = {
    "machine": _machine,
    "people": _people,
    "full": _full,
    "base": _hour,
    "production": _hour,
}


def _environment(part: str, size: str) -> Mapping[str, str]:
    if part == "production":
        return random_models.environment(size, texts=TEXTS)
    return _BASE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all where none is named")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of people")
    parser.add_argument("--rounds", type=int, default=2, help="of the whole")
    parser.add_argument("--batches", type=int, nargs="+", default=(8, 16, 32, 64, 128))
    parser.add_argument("--size", choices=random_models.SIZES, default=SIZE, help="of Whisper")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str]) -> int:
    """Every part in a process of its own: what one of them breaks, the others do not feel."""
    if arguments[:1] == ["pack"]:
        return pack.main(arguments[1:])
    asked = _parser().parse_args(arguments)
    if asked.here:
        for line in PARTS[asked.part[0]](asked):
            print(line, flush=True)
        return 0
    failed = 0
    for part in asked.part or PARTS:
        print(f"\n## {part}\n", flush=True)
        started = time.perf_counter()
        failed += _alone(part, asked) != 0
        print(f"\n{part}: {time.perf_counter() - started:.0f} s", flush=True)
    return min(failed, 1)


def _alone(part: str, asked: argparse.Namespace) -> int:
    """The exit code of ``part`` in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.gpu", part, "--here"]
    numbers = [f"--minutes={asked.minutes}", f"--rounds={asked.rounds}"]
    batches = ["--batches", *map(str, asked.batches)]
    environment = {**os.environ, **_environment(part, asked.size)}
    done = subprocess.run([*command, *numbers, *batches], cwd=ROOT, env=environment, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
