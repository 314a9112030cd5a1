"""Where somebody speaks: the probability of speech per frame, by one of two models.

Both come with packages that are installed anyway: pyannote's segmentation with whisperx, Silero's
detector with faster-whisper. Neither keeps thresholds of its own: they are the request's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from faster_whisper.vad import get_vad_model
from whisperx.vads.pyannote import load_vad_model

from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.findings import Window
from transcription.options import Options
from transcription.windows import MIN_SPEECH_SECONDS, windows_of_speech

_SILERO_FRAME = 512  # samples at 16 kHz, what its network was trained on


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities of speech in frames centred at ``first``, ``first + step``, … seconds."""

    values: Sequence[float]
    first: float
    step: float


class Detector(Protocol):
    """A model that tells speech from everything else."""

    def __call__(self, samples: Samples) -> Scores:
        """The probability of speech over the whole recording."""


class Pyannote:
    """The segmentation network of Bredin & Laurent (2021), as whisperx bundles it."""

    def __init__(self, device: str) -> None:
        # Its own onset and offset are never used.
        self._score: Any = load_vad_model(torch.device(device))

    def __call__(self, samples: Samples) -> Scores:
        """The probability of speech over the whole recording."""
        waveform = torch.from_numpy(samples)[None]
        scores = self._score({"waveform": waveform, "sample_rate": SAMPLE_RATE})
        frames = scores.sliding_window
        first = frames.start + frames.duration / 2
        return Scores(scores.data.max(axis=1).tolist(), first, frames.step)


class Silero:
    """Silero's detector on the processor, from the file in the faster-whisper package."""

    def __init__(self) -> None:
        self._model: Any = get_vad_model()

    def __call__(self, samples: Samples) -> Scores:
        """The probability of speech over the whole recording."""
        # A copy, also where nothing is missing: the model writes into what it is given.
        whole = np.pad(samples, (0, -len(samples) % _SILERO_FRAME))
        step = _SILERO_FRAME / SAMPLE_RATE
        return Scores(self._model(whole).ravel().tolist(), step / 2, step)


class SpeechFinder:
    """Finds the windows that are worth recognizing."""

    def __init__(self, device: str) -> None:
        self._detectors: Mapping[str, Detector] = MappingProxyType(
            {"pyannote": Pyannote(device), "silero": Silero()}
        )

    def windows(self, samples: Samples, options: Options) -> list[Window]:
        """Windows of speech, none longer than ``options.chunk_size`` seconds."""
        if seconds(samples) < MIN_SPEECH_SECONDS:
            return []
        scores = self._detectors[options.vad_method](samples)
        windows = windows_of_speech(
            scores.values,
            first=scores.first,
            step=scores.step,
            onset=options.vad_onset,
            offset=options.vad_offset,
            longest=float(options.chunk_size),
        )
        # Both models pad the last frame with silence, so one may lie past the end.
        end = seconds(samples)
        return [Window(w.start, min(w.end, end)) for w in windows if w.start < end]
