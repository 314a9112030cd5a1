"""How fast the pipeline is by itself: real-time factor, seconds per stage, peak memory.

Stages overlap (diarization runs beside recognition), so the wall time is less than their sum.

Each length runs in a process of its own, so that its peak memory is its own. Models are loaded
before the clock starts; a short recording goes first, so that nothing is timed cold.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.process import measured, peak_megabytes
from evaluation import recordings

MINUTES = (1, 5, 20)
WARM_UP_SECONDS = 10


def measure(minutes: float) -> dict[str, Any]:
    """One transcription of ``minutes`` of audio, in this process."""
    from transcription.engine.settings import Settings
    from transcription.engine.whisperx_engine import WhisperxEngine
    from transcription.options import Options
    from transcription.pipeline import Pipeline

    pipeline = Pipeline(WhisperxEngine(Settings.from_environment(os.environ)))
    with tempfile.TemporaryDirectory() as folder:
        pipeline.transcribe(recordings.write(Path(folder, "a.wav"), WARM_UP_SECONDS), Options())
        before = peak_megabytes()
        recording = recordings.write(Path(folder, "b.wav"), 60 * minutes)
        report = pipeline.transcribe(recording, Options())
    wall = report.elapsed
    return {
        "minutes": minutes,
        "wall": wall,
        "real_time_factor": wall / report.transcript.duration,
        "stages": report.seconds,
        "loaded_mb": before,
        "peak_mb": peak_megabytes(),
    }


def run(lengths: tuple[float, ...] = MINUTES) -> list[dict[str, Any]]:
    """Measure every length, each in a process of its own."""
    models = {"MODELS": os.environ.get("MODELS", "demo")}
    return [measured("benchmarks.stages", str(minutes), environment=models) for minutes in lengths]


def table(results: list[dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    stages = list(results[0]["stages"])
    head = ["audio", "wall", "real-time factor", "times real time", *stages, "peak memory"]
    rows = [
        [
            f"{result['minutes']:g} min",
            f"{result['wall']:.1f} s",
            f"{result['real_time_factor']:.3f}",
            f"{1 / result['real_time_factor']:.1f}",
            *(f"{result['stages'][stage]:.2f} s" for stage in stages),
            f"{result['peak_mb']:.0f} MB",
        ]
        for result in results
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
