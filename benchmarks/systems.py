"""The two that are compared: this project's engine, and stock whisperx on the same models.

Both get the same recording, the same options and the same number of threads. Stock finds speech
inside its recognition; it is called as its own command line does, with batches of 8.
"""

import os
import tempfile
from pathlib import Path
from typing import Protocol

from benchmarks.clock import Clock

BATCH = 8
SPEAKERS = 2


class System(Protocol):
    """What can be measured."""

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """Transcribes, one stage after the other; how many words there were."""


class Ours:
    """`WhisperxEngine`, everything resident, stage by stage, so that each has its CPU time."""

    def __init__(self) -> None:
        from transcription.engine.settings import Settings
        from transcription.engine.whisperx_engine import WhisperxEngine
        from transcription.options import Options

        self._engine = WhisperxEngine(Settings.from_environment(os.environ))
        self._options = Options(language="en", num_speakers=SPEAKERS, batch_size=BATCH)

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """The calls of the pipeline."""
        from transcription.audio import decode
        from transcription.findings import Language, ignore_progress, segments_of

        english, options = Language("en"), self._options
        with clock.stage("decoding"):
            samples = decode(recording)
        loaded, _ = self._engine._diarizers._here()  # noqa: SLF001 - its inner step is timed too
        diarizer = loaded._pipeline  # noqa: SLF001
        embed = diarizer.get_embeddings
        diarizer.get_embeddings = clock.around("embeddings", embed)
        try:
            with clock.stage("recognition"):
                windows = self._engine.find_speech(samples, options)
                heard = self._engine.recognize(samples, windows, english, options, ignore_progress)
                segments = list(segments_of(heard))
            with clock.stage("alignment"):
                aligned = self._engine.align(samples, segments, "en", ignore_progress)
            with clock.stage("diarization"):
                self._engine.diarize(samples, options, ignore_progress)
        finally:
            diarizer.get_embeddings = embed
        return sum(len(segment.words) for segment in aligned.segments)


class Beside(Ours):
    """The same as a request runs it: diarization beside recognition. Wall time alone."""

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """`Pipeline.transcribe`."""
        from transcription.pipeline import Pipeline

        with clock.stage("whole"):
            report = Pipeline(self._engine).transcribe(recording, self._options)
        return sum(len(segment.words) for segment in report.transcript.segments)


class Stock:
    """whisperx 3.8.6 with models that stay loaded: as well as it can be called."""

    def __init__(self) -> None:
        from benchmarks import stock
        from transcription.engine.device import choose
        from transcription.engine.settings import Settings

        settings = Settings.from_environment(os.environ)
        scratch = Path(tempfile.mkdtemp(prefix="stock-"))
        self._stock = stock.Stock(stock.sources(settings, scratch), choose(settings))
        self._stock.keep_aligner("en")
        self._request = stock.Request(language="en", batch_size=BATCH, num_speakers=SPEAKERS)

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """Decoded as ours is, because whisperx wants an ffmpeg program."""
        from transcription.audio import decode

        with clock.stage("decoding"):
            samples = decode(recording)
        with self._stock.timing_embeddings(clock):
            result = self._stock.transcribe(samples, self._request, clock)
        return sum(len(segment["words"]) for segment in result.segments)


class Recognized:
    """faster-whisper in batches, and nothing behind it: no aligned words, no speakers."""

    def __init__(self) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        from benchmarks.stock import whisper_source
        from transcription.engine.device import choose
        from transcription.engine.settings import Settings

        settings = Settings.from_environment(os.environ)
        device = choose(settings)
        self._batches = BatchedInferencePipeline(
            WhisperModel(
                whisper_source(settings),
                device=device.whisper,
                compute_type=device.compute_type,
                cpu_threads=device.threads,
            )
        )

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """As its README calls it; its segments are made as they are asked for."""
        from transcription.audio import decode

        with clock.stage("whole"):
            segments, _ = self._batches.transcribe(
                decode(recording), language="en", batch_size=BATCH
            )
            return sum(len(segment.text.split()) for segment in segments)
