"""A recording of people, stage by stage, on one set of models; then all at once, as a request."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clock import Clock
from benchmarks.gpu import card
from evaluation import recordings
from transcription.audio import Samples, decode
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.findings import Language, Window, ignore_progress, segments_of
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment

BATCHES = (8, 16, 32, 64, 128)
_WARM_UP_SECONDS = 60
_ENGLISH = Language("en")
_STEPS = ("get_segmentations", "get_embeddings", "_embed")  # of pyannote's pipeline and of ours

Row = tuple[str, float, float]  # what, seconds, megabytes of the card at most


@dataclass(slots=True)
class Bench:
    """One engine and one recording. What a stage needs of those before it is kept."""

    engine: WhisperxEngine
    samples: Samples
    windows: Sequence[Window] = ()
    segments: Sequence[Segment] = ()

    @classmethod
    def of_environment(cls, minutes: float) -> "Bench":
        """The models that the environment names, warm, and ``minutes`` of people."""
        engine = WhisperxEngine(Settings.from_environment(os.environ))
        with tempfile.TemporaryDirectory() as folder:
            samples = decode(recordings.write_people(Path(folder, "people.wav"), 60 * minutes))
            short = recordings.write_people(Path(folder, "short.wav"), _WARM_UP_SECONDS)
            Pipeline(engine).transcribe(short, Options(language="en"))
        return cls(engine, samples)

    def stages(self, batches: Sequence[int]) -> Iterator[Row]:
        """Each stage alone."""
        options = Options(language="en")
        yield self._timed("speech", partial(self._find_speech, options))
        for size in batches:
            work = partial(self._recognize, Options(language="en", batch_size=size))
            yield self._timed(f"recognition, batches of {size}", work)
        yield self._timed("alignment", self._align)
        clock = Clock()
        with _inner(self.engine, clock):
            yield self._timed("diarization", partial(self._diarize, options))
        for name, seconds in clock.wall.items():
            yield f"of which {name}", seconds, 0.0

    def whole(self, minutes: float) -> Row:
        """The recording as a request: a file goes in, words with speakers come out."""
        with tempfile.TemporaryDirectory() as folder:
            path = recordings.write_people(Path(folder, "people.wav"), 60 * minutes)
            run = partial(Pipeline(self.engine).transcribe, path, Options(language="en"))
            started = time.perf_counter()
            with card.watching() as peak:
                report = run()
            seconds = time.perf_counter() - started
        parts = ", ".join(f"{name} {own:.1f}" for name, own in report.seconds.items())
        words = [word for one in report.transcript.segments for word in one.words]
        speakers = {word.speaker for word in words}
        what = f"whole, {len(words)} words, {len(speakers)} speakers ({parts})"
        return what, seconds, peak.megabytes

    def _find_speech(self, options: Options) -> None:
        self.windows = self.engine.find_speech(self.samples, options)

    def _recognize(self, options: Options) -> None:
        heard = self.engine.recognize(
            self.samples, self.windows, _ENGLISH, options, ignore_progress
        )
        self.segments = list(segments_of(heard))

    def _align(self) -> None:
        self.engine.align(self.samples, self.segments, "en", ignore_progress)

    def _diarize(self, options: Options) -> None:
        self.engine.diarize(self.samples, options, ignore_progress)

    @staticmethod
    def _timed(what: str, work: Callable[[], None]) -> Row:
        started = time.perf_counter()
        with card.watching() as peak:
            work()
        return what, time.perf_counter() - started, peak.megabytes


@contextmanager
def _inner(engine: WhisperxEngine, clock: Clock) -> Iterator[None]:
    """Times the steps of the diarizer that is loaded, while the body runs."""
    loaded, _ = engine._diarizers._here()  # noqa: SLF001 - its steps have no public name
    pipeline: Any = loaded._pipeline  # noqa: SLF001
    own: dict[str, Any] = pipeline.__dict__  # pyannote's own attributes are not set plainly
    before = {step: own.get(step) for step in _STEPS if hasattr(pipeline, step)}
    for step in before:
        own[step] = clock.around(step.strip("_"), getattr(pipeline, step))
    try:
        yield
    finally:
        for step, method in before.items():
            del own[step]
            if method is not None:
                own[step] = method
