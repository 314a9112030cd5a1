"""The engine that runs real models. Everything loads when it is made, nothing per request."""

import contextvars
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
import transformers

from models.registry import Model
from transcription.audio import Samples
from transcription.engine import attention, guard, parts
from transcription.engine.aligners import Aligners
from transcription.engine.decoding import Hearing
from transcription.engine.device import choose
from transcription.engine.diarizers import Diarizers
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes, one_core_for_numpy
from transcription.engine.listening import Listened
from transcription.engine.loading import Loads
from transcription.engine.memory import memory_guard
from transcription.engine.recognition import AT_ONCE, Recognizer, shared
from transcription.engine.settings import Settings
from transcription.engine.speech import SpeechFinder
from transcription.engine.tokens import with_probabilities
from transcription.errors import InvalidInput
from transcription.findings import (
    Alignment,
    Diarization,
    Language,
    Progress,
    Recognized,
    Voice,
    Window,
    ignore_progress,
)
from transcription.model_names import Names
from transcription.notices import notice
from transcription.options import Options
from transcription.transcript import Segment


class WhisperxEngine:
    """Whisper, a speech detector, one aligner per language, and a diarizer, all resident.

    Raises SettingsError for a model or device that cannot be, and what the model libraries raise
    when a model does not load. A diarizer that may not be fetched is no error before it is asked.
    """

    def __init__(self, settings: Settings) -> None:
        _quiet_libraries()
        self._settings = settings
        self._device = choose(settings)
        torch.set_num_threads(self._device.threads)
        one_core_for_numpy()
        self._lanes = Lanes(self._device.threads if self._device.torch == "cpu" else 1)
        # Apart from the others: the diarizer computes in those while these wait for Whisper.
        self._whisper = shared(self._device, settings.slots)
        self._waiting = Lanes(1 if self._device.is_gpu else AT_ONCE, self._whisper.threads)
        self._loads = Loads()
        whispers = parts.whispers(settings)
        with ThreadPoolExecutor(1) as pool:
            # CTranslate2 reads the largest files and leaves Python alone meanwhile. In the
            # context of this thread, so that Cog takes what is printed for the setup's as well.
            recognizers = pool.submit(
                contextvars.copy_context().run, self._load_recognizers, whispers
            )
            with self._loads.counted("speech detector"):
                heard = Heard()
                self._speech = SpeechFinder(self._device.torch, self._lanes, heard)
            others = (settings, self._device.torch, self._lanes, self._loads)
            self._aligners = Aligners(*others)
            self._diarizers = Diarizers(*others, heard)
            self._recognizers = recognizers.result()

    @property
    def loads(self) -> int:
        """How many models were loaded so far."""
        return self._loads.count

    def describe(self) -> Mapping[str, Any]:
        """What is loaded, in JSON's types."""
        return {
            "models": list(self._recognizers),
            "default_model": next(iter(self._recognizers)),
            "device": self._device.torch,
            "gpu_available": self._device.torch != "cpu",
            "alignment_languages": self._aligners.languages,
            "diarization_available": self._diarizers.is_there,
        }

    def prepare(self, options: Options) -> None:
        """Sees that everything the request needs is here, before any work."""
        _check_language(self._recognizer(options), options)
        self._aligners.check(options)
        if options.diarization:
            self._diarizers.prepare(options.huggingface_access_token)

    def find_speech(
        self, samples: Samples, options: Options, progress: Progress = ignore_progress
    ) -> Sequence[Window]:
        """Windows of speech, none longer than ``options.chunk_size``."""
        with memory_guard():
            return self._speech.windows(samples, options, progress)

    def detect_language(
        self, samples: Samples, windows: Sequence[Window], options: Options
    ) -> Language:
        """Listens to the longest windows first, until one is clear enough or tries are used up."""
        longest = sorted(windows, key=lambda window: -window.duration)
        recognizer = self._recognizer(options)
        best = Language("en", 0.0)
        for window in longest[: options.language_detection_max_tries]:
            with memory_guard():
                heard = recognizer.detect(samples, window)
            best = max(best, heard, key=lambda language: language.probability or 0.0)
            if (best.probability or 0.0) >= options.language_detection_min_prob:
                break
        return best

    def recognize(  # noqa: PLR0913, PLR0917 - as in Engine
        self,
        samples: Samples,
        windows: Sequence[Window],
        language: Language,
        options: Options,
        progress: Progress,
        done: int = 0,
    ) -> Iterator[Recognized]:
        """Yields batches of windows in their order, each as soon as it is finished."""
        timed = options.align_output and options.task == "transcribe"
        # Of several languages it is not known before whether their aligners suffice.
        code = None if options.multilingual else language.code
        timed = timed and not (code and self._aligners.suffice(code, options.align_model))
        recognizer = self._recognizer(options)
        for batch in recognizer.recognize(
            samples, windows, code, options, progress, done=done, timed=timed
        ):
            yield self._believed(samples, batch, options)

    def _believed(
        self, samples: Samples, batch: Sequence[Listened], options: Options
    ) -> Recognized:
        """Without text that was not spoken."""
        said = [
            heard
            for listened in batch
            for heard in listened.heard
            if heard.text and not self._invented(samples, heard, options)
        ]
        return Recognized(
            len(batch),
            tuple(heard.segment for heard in said),
            sum(listened.retries for listened in batch),
            tuple(heard.window.start for heard in said if guard.doubtful(heard)),
        )

    def _invented(self, samples: Samples, heard: Hearing, options: Options) -> bool:
        """Text that is not sure counts where both detectors hear speech."""
        if not guard.unsure(heard):
            return False
        if guard.unsaid(heard):
            return True
        with memory_guard():
            return not self._speech.confirmed(samples, heard.window, options)

    def align(  # noqa: PLR0913 - all but four by keyword
        self,
        samples: Samples,
        segments: Sequence[Segment],
        language: str,
        progress: Progress,
        *,
        characters: bool = False,
        model: str | None = None,
    ) -> Alignment:
        """Sentences with timed words; with a warning where Whisper itself timed them."""
        heard = segments
        if self._aligners.suffice(language, model):
            segments = [replace(segment, words=()) for segment in segments]
        aligner, warning = self._aligners.get(language, model)
        rough = any(segment.words for segment in segments)
        if aligner is None:
            warning = notice("timed_by_whisper" if rough else "no_aligner", language=language)
        if aligner is None and not rough:
            return Alignment(tuple(segments), (warning,))
        found = segments
        if aligner is not None:
            with memory_guard():
                found = aligner.align(samples, segments, progress, characters=characters)
            segments = attention.corrected(segments, found) if rough else segments
        if rough:
            found = attention.finished(samples, segments, language, characters=characters)
            progress(1.0)
        return Alignment(tuple(with_probabilities(found, heard)), (warning,) if warning else ())

    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        """Who holds the floor when."""
        return self._diarizers.diarize(samples, options, progress)

    def embed(self, samples: Samples) -> Voice | None:
        """A vector of the voice, comparable to those of `diarize`."""
        return self._diarizers.embed(samples)

    def _recognizer(self, options: Options) -> Recognizer:
        asked = options.whisper_model
        if asked is None:
            return next(iter(self._recognizers.values()))
        if asked in self._settings.models:  # as the operator wrote it, also a directory
            asked = list(self._recognizers)[self._settings.models.index(asked)]
        name = Names(tuple(self._recognizers)).resolve(asked)
        if name is None:
            known = ", ".join(self._recognizers)
            raise InvalidInput("whisper_model", f"this service was started with: {known}")
        return self._recognizers[name]

    def _load_recognizers(self, models: Sequence[Model]) -> Mapping[str, Recognizer]:
        token = self._settings.huggingface_token
        loaded: dict[str, Recognizer] = {}
        for model in models:
            with self._loads.counted(f"whisper {model.name}"):
                source = str(parts.whisper_source(model, self._settings))
                loaded[model.name] = Recognizer(
                    source,
                    self._whisper,
                    self._waiting,
                    token,
                    fitted=self._settings.fitted_windows,
                )
        return loaded


def _check_language(recognizer: Recognizer, options: Options) -> None:
    """Raises InvalidInput for what a model of English alone would answer with invented words."""
    if recognizer.is_multilingual:
        return
    if options.language not in (None, "en"):
        raise InvalidInput("language", "the model knows English alone")
    if options.task == "translate":
        raise InvalidInput("task", "the model knows English alone and cannot translate")


def _quiet_libraries() -> None:
    # whisperx logs the text that it could not align: what was said belongs in no log.
    logging.getLogger("whisperx").setLevel(logging.ERROR)
    # Both tell at every start that a model file has an older format, and draw progress bars.
    logging.getLogger("lightning.pytorch.utilities.migration.utils").setLevel(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
