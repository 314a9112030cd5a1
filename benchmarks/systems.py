"""The two that are compared: this project's engine, and stock whisperx on the same models.

Both get the same recording, the same options and the same number of threads. Stock finds speech
inside its recognition; it is called as its own command line does, with batches of 8.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

BATCH = 8
SPEAKERS = 2


class Clock:
    """Wall and processor seconds per stage."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds what the body takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            with self.stage(name):
                return function(*arguments, **options)

        return timed


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
        from transcription.findings import Language, silently

        english, options = Language("en"), self._options
        with clock.stage("decoding"):
            samples = decode(recording)
        assert self._engine._diarizer is not None  # noqa: SLF001 - its inner step is timed too
        diarizer = self._engine._diarizer._pipeline  # noqa: SLF001
        embed = diarizer.get_embeddings
        diarizer.get_embeddings = clock.around("embeddings", embed)
        try:
            with clock.stage("recognition"):
                windows = self._engine.find_speech(samples, options)
                heard = self._engine.recognize(samples, windows, english, options, silently)
                segments = list(heard)
            with clock.stage("alignment"):
                aligned = self._engine.align(samples, segments, "en", silently)
            with clock.stage("diarization"):
                self._engine.diarize(samples, options, silently)
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
        import torch
        import whisperx
        from whisperx.diarize import DiarizationPipeline

        from transcription.engine.device import choose
        from transcription.engine.settings import Settings

        settings = Settings.from_environment(os.environ)
        device = choose(settings)
        torch.set_num_threads(device.threads)
        self._model = whisperx.load_model(
            _directory(settings.models[0]),
            device.torch,
            compute_type=device.compute_type,
            language="en",
            threads=device.threads,
        )
        self._aligner, self._about = whisperx.load_align_model(
            "en", device.torch, model_name=_aligner(settings.models[0])
        )
        self._diarizer = DiarizationPipeline(
            _diarizer(settings.diarization_model), device=device.torch
        )
        self._device = device.torch

    def transcribe(self, recording: Path, clock: Clock) -> int:
        """The calls of its command line; decoded as ours is, because it wants an ffmpeg program."""
        import whisperx

        from transcription.audio import decode

        with clock.stage("decoding"):
            samples = decode(recording)
        own = self._diarizer.model
        own.get_embeddings = clock.around("embeddings", type(own).get_embeddings.__get__(own))
        with clock.stage("recognition"):
            result = self._model.transcribe(samples, batch_size=BATCH, language="en")
        with clock.stage("alignment"):
            result = whisperx.align(
                result["segments"], self._aligner, self._about, samples, self._device
            )
        with clock.stage("diarization"):
            turns = self._diarizer(samples, num_speakers=SPEAKERS)
            result = whisperx.assign_word_speakers(turns, result)
        return len(result["word_segments"])


def _directory(spec: str) -> str:
    from models import registry

    return registry.whisper(spec).source


def _aligner(spec: str) -> str | None:
    """The demo's, or None: whisperx's own choice."""
    from models import registry

    model = registry.aligner("en", registry.family(spec))
    assert model is not None
    return model.source


def _diarizer(directory: str | None) -> str:
    if directory is not None:
        return directory
    import tempfile

    from models.demo.pipeline import assemble

    return str(assemble(Path(tempfile.mkdtemp(prefix="stock-"))))
