"""What was said: Whisper by CTranslate2, windows of speech in batches, nothing kept in between."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from faster_whisper import download_model
from faster_whisper.tokenizer import Tokenizer
from whisperx.asr import WhisperModel

from transcription.audio import Samples
from transcription.engine.bfloat16 import Network
from transcription.engine.decoding import Asked, Decoder
from transcription.engine.detection import Tokenizers
from transcription.engine.device import Device
from transcription.engine.lanes import Lanes
from transcription.engine.listening import Listened, listen
from transcription.engine.memory import fitting
from transcription.findings import Language, Progress, Window
from transcription.options import Options

CPU_BATCH = 8  # windows; more only take memory where cores, not batches, make it fast
# Batches under way on a CPU: between two operations of one, its cores compute for the other.
AT_ONCE = 2
# Speech in a batch on a CPU. Whoever comes meanwhile waits for one to end: two windows of half a
# minute take base 2.5 s on two cores. Four were no faster: 20.5 s of processor time, not 20.1.
BATCH_SECONDS = 60.0

_Work = Callable[[Sequence[Window]], list[Listened]]


def shared(device: Device, slots: int) -> Device:
    """``device`` with the threads for each batch, where up to ``slots`` recordings are under way.

    Several keep the cores busy with a batch each, and threads that share one wait for each other:
    writing the text of a clip takes base 0.31 s of processor time with two of them, 0.22 with one.
    """
    if device.is_gpu or slots == 1:
        return device
    return replace(device, threads=max(1, device.threads // AT_ONCE))


class Recognizer:
    """One resident Whisper model."""

    def __init__(
        self,
        model: str,
        device: Device,
        lanes: Lanes,
        token: str | None = None,
        *,
        fitted: bool = True,
    ) -> None:
        """Loads the CTranslate2 model in directory or hub repository ``model``.

        ``lanes`` wait for its batches and compute little: one for each that is under way.
        ``fitted``: short windows are not padded to 30 s.
        """
        self._device = device
        if device.bfloat16:
            # CTranslate2 leaves these vectors alone, because older processors slow down with them.
            os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")
        self._model: Any = WhisperModel(
            model,
            device=device.whisper,
            compute_type=device.compute_type,
            cpu_threads=device.threads,
            num_workers=lanes.count,
            use_auth_token=token,
        )
        encode = bfloat16_encoder(model, token) if device.bfloat16 else None
        self._decoder = Decoder(self._model, gpu=device.is_gpu, fitted=fitted, encode=encode)
        self._lanes = lanes

    @property
    def is_multilingual(self) -> bool:
        """Whether the model knows more languages than English."""
        return bool(self._model.model.is_multilingual)

    def detect(self, samples: Samples, window: Window) -> Language:
        """The most probable language of one window. A model of English only answers so."""
        if not self.is_multilingual:
            return Language("en", 1.0)
        return Language(*self._decoder.language(samples, window, self._tokenizers()))

    def _tokenizers(self) -> Tokenizers:
        """What makes the tokenizer of a task and a language, once."""
        vocabulary, several = self._model.hf_tokenizer, self.is_multilingual
        return cache(lambda task, code: Tokenizer(vocabulary, several, task=task, language=code))

    def recognize(  # noqa: PLR0913 - all but five by keyword
        self,
        samples: Samples,
        windows: Sequence[Window],
        language: str | None,
        options: Options,
        progress: Progress,
        *,
        done: int = 0,
        timed: bool = False,
    ) -> Iterator[list[Listened]]:
        """Yields batches of windows in their order, each with what it holds.

        Each in its own language where ``language`` is None. Without the first ``done`` windows.
        With ``timed`` segments have words, timed by the model's own attention. A batch that does
        not fit into memory is tried again in halves. Raises OutOfMemory when one window alone
        does not fit.
        """
        # Everything that a request may change is made anew here: whisperx's own pipeline object
        # keeps tokenizer and suppressed tokens, and a failed request changes the next one's.
        asked = Asked(self._tokenizers(), options, language, timed)
        for batch, heard in self._batches(
            lambda batch: self._batch(samples, batch, asked),
            windows,
            options.batch_size,
            done,
        ):
            done += len(batch)
            progress(done / len(windows))
            yield heard

    def _batch(self, samples: Samples, windows: Sequence[Window], asked: Asked) -> list[Listened]:
        return listen(self._decoder, samples, windows, asked)

    def _batches(
        self, work: _Work, windows: Sequence[Window], size: int, done: int
    ) -> Iterator[tuple[Sequence[Window], list[Listened]]]:
        """Batches with what ``work`` heard in them, in order; no more than ``size`` at once.

        As if the first ``done`` windows had been among them: the same batches, the same text.
        """
        size = min(size, self._device.windows)
        if self._device.is_gpu or size < AT_ONCE:
            return fitting(work, windows[done:], size)
        share = max(1, min(min(size, CPU_BATCH) // AT_ONCE, math.ceil(len(windows) / AT_ONCE)))
        return chain.from_iterable(
            self._lanes.map(
                lambda batch: list(fitting(work, batch, len(batch))),
                self._divided(windows, share, done),
            )
        )

    def _divided(
        self, windows: Sequence[Window], most: int, done: int
    ) -> Iterator[Sequence[Window]]:
        """What is to be recognized at once; one window while other recordings wait."""
        for first, last in _batches_of(windows, most):
            start = max(first, done)
            while start < last:
                end = start + 1 if self._lanes.users > 1 else last
                yield windows[start:end]
                start = end


def bfloat16_encoder(model: str, token: str | None) -> Network | None:
    """Of the model that was loaded; None where its file is nowhere, or of another format."""
    folder = Path(model)
    try:
        if not folder.is_dir():  # a name on the hub, fetched a moment ago
            folder = Path(download_model(model, local_files_only=True, use_auth_token=token))
        return Network(folder)
    except (OSError, ValueError):
        return None


def _batches_of(windows: Sequence[Window], most: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) of batches of at most ``most`` windows and `BATCH_SECONDS`."""
    first, length = 0, 0.0
    for number, window in enumerate(windows):
        full = number - first == most or length + window.duration > BATCH_SECONDS
        if full and number > first:
            yield first, number
            first, length = number, 0.0
        length += window.duration
    if windows:
        yield first, len(windows)
