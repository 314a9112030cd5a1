"""What Whisper hears: log-mel spectrograms (Radford et al. 2022, section 2.2), a batch at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from whisperx.audio import HOP_LENGTH, N_FFT, N_FRAMES, mel_filters

from transcription.audio import SAMPLE_RATE, Samples
from transcription.findings import Window

WHOLE: int = N_FRAMES  # 3000, 30 s: the length that Whisper was trained on
PER_SECOND: int = SAMPLE_RATE // HOP_LENGTH  # frames
_SILENCE = 1e-10  # power below which everything is silence
_RANGE = 8.0  # decades below a window's loudest place, 80 dB; what is softer counts as that


def log_mels(
    samples: Samples, windows: Sequence[Window], mels: int, device: str, frames: int = WHOLE
) -> Any:
    """Spectrograms of the windows, padded with silence: numpy, (windows, ``mels``, ``frames``)."""
    length = frames * HOP_LENGTH
    padded = np.zeros((len(windows), length), dtype=np.float32)
    for row, window in zip(padded, windows, strict=True):
        begin = int(window.start * SAMPLE_RATE)
        piece = samples[begin : max(begin + 1, int(window.end * SAMPLE_RATE))][:length]
        row[: len(piece)] = piece
    return _spectrograms(torch.from_numpy(padded).to(device), mels).cpu().numpy()


def _spectrograms(audio: Tensor, mels: int) -> Tensor:
    """Shape (windows, samples) in, (windows, mels, frames) out. Each window's range is its own."""
    hann = torch.hann_window(N_FFT, device=audio.device)
    spectrum = torch.stft(audio, N_FFT, HOP_LENGTH, window=hann, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2  # the last frame is half beyond the end
    filters: Tensor = mel_filters(audio.device, mels)
    log = (filters @ power).clamp(min=_SILENCE).log10()
    loudest = log.amax(dim=(-2, -1), keepdim=True)
    return (torch.maximum(log, loudest - _RANGE) + 4.0) / 4.0
