"""The GE2E speaker encoder (Wan et al. 2018, arXiv:1710.10467) as a pyannote model.

Its weights were trained on human voices and published with Resemblyzer; the network and its
features are written here anew. pyannote takes only subclasses of its WeSpeaker class; of that
class it keeps the interface. The checkpoint names this module, so the repository's root must be
importable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

import torch
from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet
from torch import Tensor, nn
from torch.nn import functional

DIMENSION: Final = 256
MELS: Final = 40
WINDOW: Final = 400  # samples at 16 kHz: 25 ms
_HOP: Final = 160  # samples: 10 ms
_LAYERS: Final = 3
_PART: Final = 160  # frames: the encoder was trained on parts of 1.6 s
_STEP: Final = 80  # frames from one part to the next
_LEAST: Final = 10  # frames; with fewer there is no embedding
_LEVEL: Final = 1e-3  # mean square of what the encoder was trained on: -30 dB
_QUIETEST: Final = 1e-10  # mean square, -100 dB: below it there is nothing to be made louder
_BATCH: Final = 32  # parts; more only take memory

# Applies a function to each of many, perhaps side by side; results in order.
Spread = Callable[[Callable[[Tensor], Tensor], Sequence[Tensor]], Iterator[Tensor]]


class Encoder(nn.Module):
    """An LSTM whose last state is the voice of a part."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, DIMENSION, _LAYERS, batch_first=True)
        self.linear = nn.Linear(DIMENSION, DIMENSION)

    def forward(self, parts: Tensor) -> Tensor:
        """Unit vectors (parts, DIMENSION) of mel powers (parts, frames, MELS)."""
        _, (hidden, _) = self.lstm(parts)
        return functional.normalize(self.linear(hidden[-1]).relu(), dim=-1)


class SpeakerEmbedding(BaseWeSpeakerResNet):
    """The encoder's mean vector over all parts of a stretch of speech."""

    mel_filters: Tensor
    window: Tensor
    usual_spectrum: Tensor  # (MELS,): mean powers of people's speech
    usual_voice: Tensor  # (DIMENSION,): the mean of people's vectors

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.network = Encoder()
        self.register_buffer("mel_filters", torch.zeros(MELS, WINDOW // 2 + 1))
        self.register_buffer("window", torch.hann_window(WINDOW))
        self.register_buffer("usual_spectrum", torch.zeros(MELS))
        self.register_buffer("usual_voice", torch.zeros(DIMENSION))

    @property
    def dimension(self) -> int:
        """Size of an embedding."""
        return DIMENSION

    def forward(  # type: ignore[override]  # pyannote passes weights by keyword
        self, waveforms: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Embed ``waveforms`` (batch, 1, samples); the result is (batch, DIMENSION).

        ``weights`` (batch, frames) are positive where the speaker talks. NaN where hardly anybody
        does.
        """
        features = [self.features(waveform[0]) for waveform in waveforms]
        if weights is not None:
            features = [
                frames[functional.interpolate(own[None, None], size=len(frames))[0, 0] > 0.5]
                for frames, own in zip(features, weights, strict=True)
            ]
        return self.peculiar(self.embed(features))

    def peculiar(self, vectors: Tensor) -> Tensor:
        """What distinguishes ``vectors`` from the usual voice; of length 1.

        All of GE2E's vectors are alike to a degree that depends on nothing: without that part, two
        people's are near right angles.
        """
        return functional.normalize(vectors - self.usual_voice.to(vectors), dim=-1)

    def features(self, waveform: Tensor) -> Tensor:
        """Mel powers (frames, MELS) of ``waveform`` (samples,), at the level that was trained."""
        spectrum = torch.stft(
            waveform, WINDOW, _HOP, window=self.window, pad_mode="constant", return_complex=True
        )
        loudness = waveform.square().mean().clamp(min=_QUIETEST)
        return (self.mel_filters @ spectrum.abs().square()).T * (_LEVEL / loudness)

    def embed(self, features: Sequence[Tensor], spread: Spread = map) -> Tensor:
        """(stretches, DIMENSION) of the features of stretches of any length."""
        parts = [list(_parts(frames)) for frames in features]
        every = list(chain.from_iterable(parts))
        found = torch.full((len(features), DIMENSION), math.nan)
        if not every:
            return found
        batches = [
            torch.stack(every[start : start + _BATCH]) for start in range(0, len(every), _BATCH)
        ]
        vectors = chain.from_iterable(batch.cpu() for batch in spread(self.network, batches))
        for own, each in zip(found, parts, strict=True):
            if each:
                those = torch.stack(list(islice(vectors, len(each))))
                own[:] = functional.normalize(those.mean(0), dim=-1)
        return found


def _parts(frames: Tensor) -> Iterator[Tensor]:
    """``frames`` in parts of ``_PART``, the last one up to the end; what is shorter is repeated."""
    if len(frames) < _LEAST:
        return
    if len(frames) < _PART:
        frames = frames.repeat(math.ceil(_PART / len(frames)), 1)[:_PART]
    last = len(frames) - _PART
    for start in (*range(0, last, _STEP), last):
        yield frames[start : start + _PART]
