"""What the decoder's sandbox costs: ``python -m benchmarks.sandbox [--hours 1] [--rounds 100]``.

The same code reads the same recordings by turns, in this process, as before there was a sandbox,
and in a sandbox. On a busy machine it shows the kernel's queues: run it alone, or ahead of all
others (``nice``, and Linux's ``/proc/self/autogroup``). What the bridge answers a request in is
measured by ``python -m benchmarks gateway``.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from bridge.recordings import probe as bounds
from transcription import heap
from transcription.audio import SAMPLE_RATE, read
from transcription.audio.sandboxed import Decoder
from transcription.probe import probe
from transcription.sandbox.client import Sandbox

ROUNDS, LONG_ROUNDS = 100, 3
CLIP_SECONDS = 3
_PAUSE = 0.02  # seconds between two, as recordings come one by one
_FORMATS = {"wav": "pcm_s16le", "m4a": "aac"}
Job = Callable[[], object]


def recording(path: Path, seconds: float) -> Path:
    """Noise of 16 kHz; the ending of the name chooses the format."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(_FORMATS[path.suffix[1:]], rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        for second in range(int(seconds)):
            samples = noise.integers(-9000, 9000, (1, SAMPLE_RATE), np.int16)
            frame = AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, second * SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@contextmanager
def jobs(folder: Path, hours: float) -> Iterator[dict[str, tuple[Job, Job, int]]]:
    """By name: in this process, in the sandbox, and how many rounds are worth their time."""
    decoder, sandbox = Decoder(), Sandbox("transcription.sandbox.probing")

    def probed(path: Path) -> None:
        with sandbox.asked(path, {"track": None}, bounds.BOUNDS):
            pass

    found: dict[str, tuple[Job, Job, int]] = {}
    for kind in _FORMATS:
        clip = recording(folder / f"clip.{kind}", CLIP_SECONDS)
        long = recording(folder / f"long.{kind}", hours * 3600)
        found[f"probe {CLIP_SECONDS} s, {kind}"] = (
            lambda clip=clip: probe(clip),  # type: ignore[misc] # a lambda's default
            lambda clip=clip: probed(clip),  # type: ignore[misc]
            0,
        )
        for name, path, rounds in (
            (f"decode {CLIP_SECONDS} s, {kind}", clip, 0),
            (f"decode {hours:g} h, {kind}", long, LONG_ROUNDS),
        ):
            found[name] = (
                lambda path=path: read(path),  # type: ignore[misc]
                lambda path=path: decoder.read(path),  # type: ignore[misc]
                rounds,
            )
    try:
        yield found
    finally:
        decoder.close()
        sandbox.close()


def by_turns(first: Job, second: Job, rounds: int) -> list[tuple[float, float]]:
    """Seconds of each, round for round."""
    found = []
    for _ in range(rounds):
        pair = []
        for job in (first, second):
            time.sleep(_PAUSE)
            began = time.perf_counter()
            job()
            pair.append(time.perf_counter() - began)
            heap.give_back(heap.WORTH_SECONDS)  # as after each transcription
        found.append((pair[0], pair[1]))
    return found[1:]  # the first round warms both up


def lines(rounds: int, hours: float) -> Iterator[str]:
    """A Markdown table of medians, in milliseconds."""
    yield "| recording | in this process | in a sandbox | more | |"
    yield "| --- | --- | --- | --- | --- |"
    with tempfile.TemporaryDirectory() as folder, jobs(Path(folder), hours) as found:
        for name, (before, after, few) in found.items():
            pairs = by_turns(before, after, (few or rounds) + 1)
            here, there = (1e3 * statistics.median(side) for side in zip(*pairs, strict=True))
            more = 1e3 * statistics.median(second - first for first, second in pairs)
            share = 100 * more / here
            yield f"| {name} | {here:.1f} ms | {there:.1f} ms | {more:.1f} ms | {share:+.0f} % |"


def main() -> None:
    """Prints the table row by row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--hours", type=float, default=1.0)
    arguments = parser.parse_args()
    for line in lines(arguments.rounds, arguments.hours):
        print(line, flush=True)


if __name__ == "__main__":
    main()
