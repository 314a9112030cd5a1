"""Alignment and speaker embeddings alone, beside stock, on random models of production size.

Seconds of audio instead of minutes, both in one process by turns: what is left to measure with on
a machine that has other things to do. ``--speakers`` measures what diarization does after its
networks instead, of a whole hour.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import random_models, speakers
from evaluation.recordings import CONVERSATION

ROUNDS = 3
# Twice `random_models.TEXT` in 24 s: 2.4 words a second, as people speak.
ALIGNED_SECONDS, EMBEDDED_SECONDS = 24, 7
ALIGNED_STARTS = (0.0, 18.0)

Part = Callable[[], Any]


def alignment() -> tuple[Part, Part]:
    """Segments of `ALIGNED_SECONDS` each: ours, stock."""
    import torch
    import whisperx

    from models import registry
    from transcription.audio import SAMPLE_RATE, decode
    from transcription.engine.alignment import Aligner
    from transcription.engine.lanes import Lanes
    from transcription.findings import ignore_progress
    from transcription.transcript import Segment

    model = registry.aligner("en", registry.Family.PRODUCTION)
    assert model is not None
    aligner = Aligner(model, "en", "cpu", Lanes(torch.get_num_threads()))
    network, about = whisperx.load_align_model("en", "cpu")
    samples = decode(CONVERSATION)
    text = (random_models.TEXT * 2).strip()
    segments = [Segment(text, start, start + ALIGNED_SECONDS) for start in ALIGNED_STARTS]
    assert segments[-1].end <= len(samples) / SAMPLE_RATE
    stock = [{"text": one.text, "start": one.start, "end": one.end} for one in segments]
    return (
        lambda: aligner.align(samples, segments, ignore_progress),
        lambda: whisperx.align(stock, network, about, samples, "cpu"),
    )


def embeddings(folder: Path) -> tuple[Part, Part]:
    """Every chunk and speaker of `EMBEDDED_SECONDS`: ours, stock."""
    import torch
    from pyannote.audio import Pipeline
    from pyannote.audio.utils.signal import binarize

    from transcription.audio import SAMPLE_RATE, decode
    from transcription.engine.lanes import Lanes
    from transcription.engine.speaker_vectors import OnePass

    load: Callable[[str], Any] = Pipeline.from_pretrained
    ours, stock = (load(str(folder / "diarization")) for _ in range(2))
    assert OnePass.install(ours, Lanes(torch.get_num_threads()))
    samples = decode(CONVERSATION)[: EMBEDDED_SECONDS * SAMPLE_RATE]
    file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE}
    talking = binarize(stock.get_segmentations(file), onset=0.5, initial_state=False)
    return (
        lambda: ours.get_embeddings(file, talking, exclude_overlap=True),
        lambda: stock.get_embeddings(file, talking, exclude_overlap=True),
    )


def lines(rounds: int = ROUNDS) -> Iterator[str]:
    """Processor and wall seconds of every round, as rows of a Markdown table."""
    os.environ.update(random_models.environment("small"))
    yield "| part | CPU ours | CPU stock | less CPU | wall ours | wall stock |"
    yield "| --- | --- | --- | --- | --- | --- |"
    import torch

    from transcription.engine.device import choose
    from transcription.engine.settings import Settings

    torch.set_num_threads(choose(Settings.from_environment(os.environ)).threads)
    for name, parts in (
        ("alignment", alignment()),
        ("embeddings", embeddings(random_models.FOLDER)),
    ):
        for part in parts:  # the first run of each pays for what is made once
            part()
        for _ in range(rounds):
            (wall, cpu), (stock_wall, stock_cpu) = map(_timed, parts)
            ratio = f"{stock_cpu / cpu:.2f} times"
            cells = [name, f"{cpu:.1f} s", f"{stock_cpu:.1f} s", ratio]
            yield f"| {' | '.join(cells)} | {wall:.1f} s | {stock_wall:.1f} s |"


def _timed(part: Part) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    part()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    """The table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("--speakers", choices=speakers.SETS, help="diarization of this set")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--random", action="store_true", help="vectors without any people")
    parser.add_argument("--alone", action="store_true", help="without pyannote's own")
    asked = parser.parse_args()
    options = {"stock": not asked.alone, "random": asked.random}
    found = speakers.lines(asked.speakers, asked.minutes, **options) if asked.speakers else lines()
    for line in found:
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
