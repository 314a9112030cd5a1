"""Where somebody speaks: the probability of speech per frame, by one of two models.

Both come with packages that are installed anyway: pyannote's segmentation with whisperx, Silero's
detector with faster-whisper. Neither keeps thresholds of its own: they are the request's.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from faster_whisper.vad import get_vad_model
from scipy.ndimage import grey_closing
from whisperx.vads.pyannote import load_vad_model

from models.sincnet import share_filters
from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.engine.bfloat16 import has_units, in_bfloat16
from transcription.engine.guard import at_speech_level
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.memory import in_parts
from transcription.findings import Progress, Window, ignore_progress
from transcription.options import Options
from transcription.windows import MIN_SPEECH_SECONDS, windows_of_speech

_SILERO_FRAME = 512  # samples at 16 kHz, what its network was trained on
_SILERO_PIECE = 500  # frames between two looks at how far it is: 16 s of sound
_SILERO_SILENCE = 7  # frames, 0.22 s; it hears shorter silences within words, before a t or k
# The sum over frames of how far speech is likelier than not, in seconds. Where animals and drums
# pass for text it is 0.03 at most, and 0.06 in the faintest word of people (decision 106).
_SILERO_SURE = 0.05
_SILERO_LATE = 0.2  # seconds; without them recognition loses first and last words


# Receives the progress of the detector: several recordings may be looked through at once.
_progress: ContextVar[Progress] = ContextVar("progress", default=ignore_progress)


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities of speech in frames centred at ``first``, ``first + step``, … seconds.

    ``late`` is by how many seconds speech begins before, and ends after, the model is sure of it.
    """

    values: Sequence[float]
    first: float
    step: float
    late: float = 0.0


class Detector(Protocol):
    """A model that tells speech from everything else."""

    def __call__(self, samples: Samples, progress: Progress) -> Scores:
        """The probability of speech over the whole recording."""


class Pyannote:
    """The segmentation network of Bredin & Laurent (2021), as whisperx bundles it."""

    def __init__(self, device: str, lanes: Lanes, heard: Heard) -> None:
        # Its own onset and offset are never used.
        self._score: Any = load_vad_model(torch.device(device))
        segmentation = self._score._segmentation  # noqa: SLF001 - there is no public name
        share_filters(segmentation)
        if device == "cpu" and has_units():
            in_bfloat16(segmentation)
        in_parts(segmentation, lanes)
        heard.keep(segmentation)
        _report_progress(segmentation)

    def __call__(self, samples: Samples, progress: Progress) -> Scores:
        """The probability of speech over the whole recording."""
        waveform = torch.from_numpy(samples)[None]
        token = _progress.set(progress)
        try:
            scores = self._score({"waveform": waveform, "sample_rate": SAMPLE_RATE})
        finally:
            _progress.reset(token)
        frames = scores.sliding_window
        first = frames.start + frames.duration / 2
        return Scores(scores.data.max(axis=1).tolist(), first, frames.step)


class Silero:
    """Silero's detector on the processor, from the file in the faster-whisper package."""

    def __init__(self) -> None:
        self._model: Any = get_vad_model()

    def __call__(self, samples: Samples, progress: Progress) -> Scores:
        """The probability of speech over the whole recording."""
        # A copy, also where nothing is missing: the model writes into what it is given.
        whole = np.pad(samples, (0, -len(samples) % _SILERO_FRAME))
        model = copy(self._model)
        model.session = _InPieces(model.session, len(whole) // _SILERO_FRAME, progress)
        scores = grey_closing(model(whole).ravel(), size=_SILERO_SILENCE)
        step = _SILERO_FRAME / SAMPLE_RATE
        return Scores(scores.tolist(), step / 2, step, _SILERO_LATE)


class _InPieces:
    """Silero's session that tells how far it is: its own pieces last for more than five minutes.

    The network hears frame after frame and hands its state on, so where it is cut makes no
    difference.
    """

    def __init__(self, session: Any, frames: int, progress: Progress) -> None:
        self._session = session
        self._frames = frames
        self._done = 0
        self._progress = progress

    def run(self, names: None, given: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """What the session answers: the probabilities, and the state after them."""
        frames, h, c = given["input"], given["h"], given["c"]
        found = []
        for begin in range(0, len(frames), _SILERO_PIECE):
            piece = frames[begin : begin + _SILERO_PIECE]
            scores, h, c = self._session.run(names, {"input": piece, "h": h, "c": c})
            found.append(scores)
            self._done += len(piece)
            self._progress(self._done / self._frames)
        return np.concatenate(found), h, c


class SpeechFinder:
    """Finds the windows that are worth recognizing."""

    def __init__(self, device: str, lanes: Lanes, heard: Heard) -> None:
        self._detectors: Mapping[str, Detector] = MappingProxyType(
            {"pyannote": Pyannote(device, lanes, heard), "silero": Silero()}
        )

    def windows(
        self, samples: Samples, options: Options, progress: Progress = ignore_progress
    ) -> list[Window]:
        """Windows of speech, none longer than ``options.chunk_size`` seconds."""
        if seconds(samples) < MIN_SPEECH_SECONDS:
            return []
        scores = self._detectors[options.vad_method](samples, progress)
        windows = windows_of_speech(
            scores.values,
            first=scores.first,
            step=scores.step,
            onset=options.vad_onset,
            offset=options.vad_offset,
            longest=options.chunk_size - 2 * scores.late,
        )
        # Both models pad the last frame with silence, so one may lie past the end.
        end = seconds(samples)
        within = [Window(w.start, min(w.end, end)) for w in windows if w.start < end]
        return _widened(within, scores.late, end)

    def confirmed(self, samples: Samples, window: Window, options: Options) -> bool:
        """Whether both detectors hear speech in ``window``, and Silero's is sure of it.

        Music and animals deceive pyannote's far more often.
        """
        piece = samples[int(window.start * SAMPLE_RATE) : int(window.end * SAMPLE_RATE)]
        if seconds(piece) < MIN_SPEECH_SECONDS:
            return False
        piece = at_speech_level(piece)
        scores = self._detectors["silero"](piece, ignore_progress)
        sure = sum(max(0.0, score - 0.5) for score in scores.values) * scores.step
        if sure < _SILERO_SURE or options.vad_method == "pyannote":
            return sure >= _SILERO_SURE
        return bool(self.windows(piece, replace(options, vad_method="pyannote")))


def _report_progress(inference: Any) -> None:
    """Makes a pyannote ``Inference`` tell how far it is, batch by batch; an hour takes a minute."""
    whole = inference.slide

    def report(completed: int, total: int) -> None:
        _progress.get()(
            min(float(completed / total), 1.0)
        )  # the last batch is counted as a whole one

    def slide(waveform: Any, sample_rate: int, hook: Any = None) -> Any:
        return whole(waveform, sample_rate, hook=hook or report)

    inference.slide = slide


def _widened(windows: Sequence[Window], by: float, end: float) -> list[Window]:
    """The windows ``by`` seconds longer at both sides, where they do not meet."""
    if not (by and windows):
        return list(windows)
    halfway = [(left.end + right.start) / 2 for left, right in pairwise(windows)]
    return [
        Window(max(window.start - by, first), min(window.end + by, last))
        for window, first, last in zip(windows, [0.0, *halfway], [*halfway, end], strict=True)
    ]
