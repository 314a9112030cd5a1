"""Where somebody speaks: pyannote's segmentation model, as it comes with whisperx."""

from typing import Any

import torch
from whisperx.vads.pyannote import load_vad_model

from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.findings import Window
from transcription.options import Options
from transcription.windows import MIN_SPEECH_SECONDS, windows_of_speech


class SpeechFinder:
    """Finds the windows that are worth recognizing."""

    def __init__(self, device: str) -> None:
        # Its own onset and offset are never used: thresholds are the request's.
        self._score: Any = load_vad_model(torch.device(device))

    def windows(self, samples: Samples, options: Options) -> list[Window]:
        """Windows of speech, none longer than ``options.chunk_size`` seconds."""
        if seconds(samples) < MIN_SPEECH_SECONDS:
            return []
        waveform = torch.from_numpy(samples)[None]
        scores = self._score({"waveform": waveform, "sample_rate": SAMPLE_RATE})
        frames = scores.sliding_window
        windows = windows_of_speech(
            scores.data.max(axis=1).tolist(),
            first=frames.start + frames.duration / 2,
            step=frames.step,
            onset=options.vad_onset,
            offset=options.vad_offset,
            longest=float(options.chunk_size),
        )
        # The model pads the last seconds with silence, so a frame may lie past the end.
        end = seconds(samples)
        return [Window(w.start, min(w.end, end)) for w in windows if w.start < end]
