"""Whisper's log-mel features."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from models.demo.pipeline import whisperx_assets

if TYPE_CHECKING:
    from numpy.typing import NDArray

MELS: Final = 128
FRAME_RATE: Final = 100  # frames a second
FLOOR: Final = -10.0  # log10 of the smallest mel power
_WINDOW: Final = 400  # samples of one spectrum, 25 ms at 16 kHz
_HOP: Final = 160  # samples between two spectra, 10 ms at 16 kHz


@cache
def mel_filters() -> torch.Tensor:
    """The filter bank of Whisper large-v3, (MELS, 201), as whisperx ships it."""
    with np.load(whisperx_assets() / "mel_filters.npz") as filters:
        return torch.from_numpy(filters["mel_128"])


@cache
def _hann() -> torch.Tensor:
    return torch.hann_window(_WINDOW)


def log_mel(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (MELS, samples // 160) of mono 16 kHz samples: log10 of mel power, from `FLOOR`."""
    spectrum = torch.stft(
        torch.from_numpy(audio), _WINDOW, _HOP, window=_hann(), return_complex=True
    )
    power = mel_filters() @ spectrum[..., :-1].abs().square()
    features: NDArray[np.float32] = power.clamp(min=10**FLOOR).log10().numpy()
    return features


def normalised(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the encoder reads: at most 8 decades below the window's maximum, about -1..1."""
    limited: NDArray[np.float32] = np.maximum(features, features.max() - 8)
    return (limited + np.float32(4)) / np.float32(4)
