"""A small speaker embedding as a pyannote model.

pyannote takes only subclasses of its WeSpeaker class for this; of that class it keeps the
interface. The checkpoint names this module, so the repository's root must be importable.
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet
from torch import Tensor, nn
from torch.nn import functional

MELS: Final = 128
DIMENSION: Final = 64
_WIDTH: Final = 160
_WINDOW, _HOP = 400, 160  # samples at 16 kHz: 25 ms and 10 ms
_RANGE: Final = 6.0  # decades below the loudest band that are heard
_LEAST: Final = 10.0  # frames; with fewer there is no embedding


class SpeakerNetwork(nn.Module):
    """Convolutions over time, then mean and deviation over the frames of one speaker."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(MELS, _WIDTH, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(_WIDTH, _WIDTH, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv1d(_WIDTH, _WIDTH, 1),
            nn.ReLU(),
        )
        self.out = nn.Linear(2 * _WIDTH, DIMENSION)

    def forward(self, mel: Tensor, weights: Tensor) -> Tensor:
        """Embed ``mel`` (batch, MELS, frames), log10 power, by ``weights``.

        ``weights`` is (batch, speakers, frames), 1 where the speaker talks; the result is
        (batch, speakers, DIMENSION). The convolutions run once for all speakers.
        """
        loudest = mel.amax((1, 2), keepdim=True)
        mel = torch.maximum(mel, loudest - _RANGE)
        heard = self.layers(mel - mel.mean((1, 2), keepdim=True))
        weights = weights.to(heard.dtype)
        share = weights / weights.sum(-1, keepdim=True).clamp(min=1)
        mean = share @ heard.transpose(1, 2)
        variance = share @ heard.square().transpose(1, 2) - mean.square()
        result: Tensor = self.out(torch.cat([mean, variance.clamp(min=1e-5).sqrt()], -1))
        return result


class SpeakerEmbedding(BaseWeSpeakerResNet):
    """`SpeakerNetwork` on Whisper's log-mel features, from waveforms at 16 kHz."""

    mel_filters: Tensor
    window: Tensor

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.network = SpeakerNetwork()
        self.register_buffer("mel_filters", torch.zeros(MELS, _WINDOW // 2 + 1))
        self.register_buffer("window", torch.hann_window(_WINDOW))

    @property
    def dimension(self) -> int:
        """Size of an embedding."""
        return DIMENSION

    def forward(  # type: ignore[override]  # pyannote passes weights by keyword
        self, waveforms: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Embed ``waveforms`` (batch, 1, samples); the result is (batch, DIMENSION).

        ``weights`` is (batch, frames), or (batch, speakers, frames) for several speakers of one
        waveform and a result (batch, speakers, DIMENSION). NaN where a speaker hardly talks.
        """
        spectrum = torch.stft(
            waveforms[:, 0], _WINDOW, _HOP, window=self.window, return_complex=True
        )
        power = self.mel_filters @ spectrum[..., :-1].abs().square()
        mel = power.clamp(min=1e-10).log10()
        if weights is None:
            weights = mel.new_ones(len(mel), mel.shape[-1])
        several = weights.ndim == 3
        speakers = weights if several else weights[:, None]
        speakers = functional.interpolate(speakers.to(mel.dtype), size=mel.shape[-1])
        embedding: Tensor = self.network(mel, speakers)
        embedding = embedding.masked_fill(speakers.sum(-1, keepdim=True) < _LEAST, math.nan)
        return embedding if several else embedding[:, 0]
