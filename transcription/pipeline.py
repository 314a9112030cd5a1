"""One transcription from a recording to a transcript."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from transcription import audio, heap
from transcription.apart import Sound, heard
from transcription.attribution import attribute
from transcription.audio import Samples
from transcription.audio.peaks import peaks
from transcription.audio.sandboxed import Reader
from transcription.background import Background
from transcription.checkpoint import Batch, Checkpoint, Found, checkpoint, ignore_batches, plan_of
from transcription.engine import Engine
from transcription.findings import (
    Diarization,
    Language,
    Progress,
    Recognized,
    Report,
    Voice,
    Window,
    ignore_progress,
)
from transcription.known_speakers import named, voices
from transcription.notices import notice
from transcription.options import KNOWN_SPEAKER_THRESHOLD, Options
from transcription.progress import StagedProgress
from transcription.spoken import by_language, prevailing
from transcription.stages import detects_first, diarizes, stages
from transcription.transcript import Segment, Token, Transcript

# Silence sounds like any language to a model. The probability says what this one is worth.
_UNDETECTED = Language("en", 0.0)


@dataclass(slots=True)
class _Run:
    """What one transcription gathers on its way."""

    progress: StagedProgress
    clock: Callable[[], float]
    found: Found
    options: Options
    plan: str = ""
    before: Checkpoint | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    beside: Background[tuple[Diarization, float, float]] | None = None
    retries: int = 0
    tokens: tuple[Token, ...] = ()

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Times the body and reports it as done; yields its progress callback."""
        start = self.began[name] = self.clock()
        yield partial(self.advance, name)
        self.seconds[name] = self.clock() - start
        self.advance(name, 1.0)

    def advance(self, name: str, share: float) -> None:
        """Reports ``share`` of a stage, and what runs beside it; raises what that failed with."""
        self.progress.of(name)(share)
        if self.beside is not None:
            self.beside.look(self.progress.of("diarize"))


class Pipeline:
    """Transcribes recordings, one call at a time or several; calls share nothing but the engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        max_seconds: float = audio.MAX_SECONDS,
        known_speaker_threshold: float = KNOWN_SPEAKER_THRESHOLD,
        read: Reader = audio.read,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._engine = engine
        self._max_seconds = max_seconds
        self._threshold = known_speaker_threshold
        self._read = read
        self._clock = clock

    def transcribe(
        self,
        source: Path | bytes,
        options: Options,
        progress: Progress = ignore_progress,
        found: Found = ignore_batches,
        earlier: Iterable[Batch] = (),
    ) -> Report:
        """The transcript of ``source`` (a file or its bytes), with seconds per stage.

        ``progress`` gets the finished share, which only rises and ends at 1; ``found`` is given
        batches as they are recognized. ``earlier`` are those of runs of this recording that came
        to no end: recognition goes on behind them. Raises TranscriptionError.
        """
        start, loads = self._clock(), self._engine.loads
        self._engine.prepare(replace(options, diarization=diarizes(options)))
        run = _Run(StagedProgress(stages(options), progress), self._clock, found, options)
        known = voices(options, self._engine, self._read)
        sound = self._decode(run, source)
        samples, windows = sound.samples, self._find_speech(run, sound, options)
        run.plan = plan_of(windows, self._model(options))
        run.before = checkpoint(earlier, run.plan)
        with self._diarizing(run, samples, windows, options):
            language = self._detect_language(run, samples, windows, options)
            segments = self._recognize(run, sound, windows, language, options)
            language = prevailing(segments, language) if options.multilingual else language
            segments = self._align(run, samples, segments, language, options)
            diarization = _named(run, _diarization(run, segments), known, self._threshold)
        transcript = _assemble(run, sound, segments, language, diarization)
        run.progress.reach(1.0)
        heap.give_back(transcript.duration)
        return Report(
            transcript,
            run.seconds,
            self._engine.loads - loads,
            self._clock() - start,
            peaks(sound.mixed),
            len(windows),
            run.before.windows if run.before else 0,
            {stage: began - start for stage, began in run.began.items()},
            run.retries,
        )

    def _model(self, options: Options) -> str:
        return options.whisper_model or str(self._engine.describe()["default_model"])

    def _decode(self, run: _Run, source: Path | bytes) -> Sound:
        with run.stage("decode"):
            sound = heard(self._read, source, run.options, self._max_seconds)
        run.warnings.extend(sound.warnings)
        return sound

    def _find_speech(self, run: _Run, sound: Sound, options: Options) -> Sequence[Window]:
        with run.stage("find_speech") as progress:
            windows = sound.windows(
                lambda samples: self._engine.find_speech(samples, options, progress)
            )
        if not windows:
            run.warnings.append(notice("no_speech"))
        return windows

    def _detect_language(
        self, run: _Run, samples: Samples, windows: Sequence[Window], options: Options
    ) -> Language:
        if options.language is not None:
            return Language(options.language)
        if not (windows and detects_first(options)):
            return _UNDETECTED
        if run.before is not None:
            run.advance("detect_language", 1.0)
            return run.before.language
        with run.stage("detect_language"):
            return self._engine.detect_language(samples, windows, options)

    def _recognize(
        self,
        run: _Run,
        sound: Sound,
        windows: Sequence[Window],
        language: Language,
        options: Options,
    ) -> Sequence[Segment]:
        if not windows or options.task == "detect_language":
            return ()
        before = run.before or Checkpoint(language, 0, ())
        done, doubtful = before.windows, list(before.doubtful)
        segments = list(map(sound.laid, before.segments))
        run.retries = before.retries
        with run.stage("recognize") as progress:
            for batch in self._engine.recognize(
                sound.samples, windows, language, options, progress, done
            ):
                run.found(Batch.of(_placed(sound, batch, options), run.plan, language, done))
                done += batch.windows
                segments += batch.segments
                doubtful += batch.doubtful
                run.retries += batch.retries
        if doubtful:
            first = doubtful[0] % sound.duration
            run.warnings.append(notice("doubtful_text", count=len(doubtful), start=first))
        if options.logprobs:
            run.tokens = tuple(token for segment in segments for token in segment.tokens)
        if not segments:
            run.warnings.append(notice("no_speech"))
        return segments

    def _align(
        self,
        run: _Run,
        samples: Samples,
        segments: Sequence[Segment],
        language: Language,
        options: Options,
    ) -> Sequence[Segment]:
        if not (segments and options.align_output):
            return segments
        if options.task == "translate":
            run.warnings.append(notice("not_aligned"))
            return segments
        with run.stage("align") as progress:
            aligned = [
                self._engine.align(
                    samples,
                    own,
                    code,
                    progress,
                    characters=options.return_char_alignments,
                    model=options.align_model,
                )
                for code, own in by_language(segments, language)
            ]
        found: list[Segment] = []
        for alignment in aligned:
            run.warnings.extend(alignment.warnings)
            found += alignment.segments
        return sorted(found, key=lambda segment: segment.start) if len(aligned) > 1 else found

    @contextmanager
    def _diarizing(
        self, run: _Run, samples: Samples, windows: Sequence[Window], options: Options
    ) -> Iterator[None]:
        """Diarizes beside the body: it needs the recording alone."""
        if not (windows and diarizes(options)):
            yield
            return

        def work(progress: Progress) -> tuple[Diarization, float, float]:
            start = self._clock()
            diarization = self._engine.diarize(samples, options, progress)
            return diarization, start, self._clock() - start

        with Background(work) as run.beside:
            yield


def _diarization(run: _Run, segments: Sequence[Segment]) -> Diarization | None:
    """Who spoke when, once it is known; None where it is not asked for, or without speech."""
    if not segments or run.beside is None:
        return None
    found = run.beside.result(run.progress.of("diarize"))
    diarization, run.began["diarize"], run.seconds["diarize"] = found
    run.progress.of("diarize")(1.0)
    run.warnings.extend(diarization.warnings)
    if not diarization.turns:
        run.warnings.append(notice("no_speakers"))
    return diarization


def _named(
    run: _Run, diarization: Diarization | None, known: Mapping[str, Voice], usual: float
) -> Diarization | None:
    """``usual`` is the threshold of requests that name none."""
    if diarization is None or not known:
        return diarization
    asked = run.options.known_speaker_threshold
    diarization, missing = named(diarization, known, usual if asked is None else asked)
    run.warnings.extend(notice("speaker_not_heard", name=name) for name in missing)
    return diarization


def _placed(sound: Sound, found: Recognized, options: Options) -> Recognized:
    """What was found, at its times in the recording."""
    segments = tuple(sound.placed(each, speakers=options.diarization) for each in found.segments)
    return replace(found, segments=segments)


def _assemble(
    run: _Run,
    sound: Sound,
    segments: Sequence[Segment],
    language: Language,
    diarization: Diarization | None,
) -> Transcript:
    placed = [sound.placed(each, speakers=run.options.diarization) for each in segments]
    if sound.apart:
        placed.sort(key=lambda segment: (segment.start, segment.end))
    return Transcript(
        segments=attribute(placed, diarization.turns if diarization else ()),
        language=language.code,
        duration=sound.duration,
        language_probability=language.probability,
        speaker_embeddings=diarization.embeddings
        if diarization and run.options.speaker_embeddings
        else None,
        warnings=tuple(run.warnings),
        tokens=run.tokens,
    )
