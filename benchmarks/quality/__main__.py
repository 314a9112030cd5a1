"""Ours and stock whisperx side by side: ``python -m benchmarks.quality [--folder DIR]``.

Without a folder: generated conversations and the human recording that comes with pyannote.audio.
With one: your recordings, with MODELS and the service's other variables as in the service.
"""

import argparse
import os
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.quality import scenes
from benchmarks.quality.report import Row, no_speech_table, table
from benchmarks.stock import Request, Stock, sources
from evaluation import truth
from evaluation.account import Account, of_output
from evaluation.measures import score
from evaluation.truth import Recording
from transcription import audio
from transcription.audio import Samples
from transcription.engine.device import choose
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.wire import to_wire

HUMAN = "human recording"


class Contestants:
    """Both programs with the same models, loaded once, asked the same."""

    def __init__(self, settings: Settings, options: Options, scratch: Path) -> None:
        self._options = options
        self._pipeline = Pipeline(WhisperxEngine(settings))
        self._stock = Stock(sources(settings, scratch), choose(settings))

    def row(self, recording: Recording) -> Row:
        """The scores of one recording."""
        samples = audio.decode(recording.audio)
        length = audio.seconds(samples)
        return Row(
            recording.kind,
            length,
            score(recording.truth, self._ours(recording.audio, length), length),
            score(recording.truth, self._theirs(samples, length), length),
        )

    def _ours(self, file: Path, length: float) -> Account:
        transcript = self._pipeline.transcribe(file, self._options).transcript
        return of_output(to_wire(transcript)["segments"], length)

    def _theirs(self, samples: Samples, length: float) -> Account:
        options = self._options
        request = Request(
            language=options.language,
            batch_size=min(options.batch_size, 8),
            chunk_size=options.chunk_size,
            num_speakers=options.num_speakers,
        )
        return of_output(self._stock.transcribe(samples, request).segments, length)


def human(folder: Path) -> Recording:
    """Pyannote's sample: two women on the telephone, English; beside it who speaks and what."""
    # Not imported: the module would decode it, by a library that this machine may lack.
    spec = find_spec("pyannote.audio")
    assert spec is not None
    assert spec.origin is not None
    sample = Path(spec.origin).parent / "sample" / "sample.wav"
    link = folder / sample.name
    for suffix in (".wav", ".rttm", ".stm"):
        link.with_suffix(suffix).symlink_to(sample.with_suffix(suffix))
    return Recording(HUMAN, HUMAN, link, truth.truth_of(link))


def scored(contestants: Contestants, recordings: Iterable[Recording]) -> list[Row]:
    """A row per recording, printed as it comes."""
    rows = []
    for recording in recordings:
        rows.append(contestants.row(recording))
        print(f"scored {recording.name}", flush=True)
    return rows


def generated(contestants: Contestants, folder: Path, split: str, count: int) -> str:
    """The tables of generated conversations, the human recording, and no speech at all."""
    rows = scored(contestants, scenes.recordings(folder, split, count))
    rows_of_human = scored(contestants, [human(folder)])
    nothing = scored(contestants, scenes.without_speech(folder))
    return "\n\n".join((table(rows), table(rows_of_human), no_speech_table(nothing)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--folder", type=Path, help="recordings with .rttm, .stm, .ctm or .json")
    parser.add_argument("--count", type=int, default=2, help="conversations of every kind")
    parser.add_argument("--split", choices=sorted(scenes.SPLITS), default="test")
    parser.add_argument("--num-speakers", type=int, help="tell both programs; default: found out")
    parser.add_argument("--chunk-size", type=int, default=30, help="seconds heard at once")
    parser.add_argument("--language", help="tell both programs; default: detected")
    asked = parser.parse_args(arguments)
    options = Options(
        num_speakers=asked.num_speakers, chunk_size=asked.chunk_size, language=asked.language
    )
    settings = Settings.from_environment({"MODELS": "demo", **os.environ})
    with tempfile.TemporaryDirectory() as scratch:
        contestants = Contestants(settings, options, Path(scratch, "models"))
        if asked.folder:
            print(table(scored(contestants, truth.recordings(asked.folder))))
        else:
            print(generated(contestants, Path(scratch), asked.split, asked.count))


if __name__ == "__main__":
    main()
