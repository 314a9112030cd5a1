"""Loudness and noise of training audio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.signal import fftconvolve

from models.demo.features import MELS, mel_filters
from models.demo.synthesis import LEVEL, SAMPLE_RATE

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

SHARE: Final = 0.4  # of recordings are noisy
SIGNAL_TO_NOISE: Final = (15.0, 40.0)  # dB, against speech at `LEVEL`
GAIN: Final = (-25.0, 6.0)  # dB against `LEVEL`
_ROOM: Final = (0.05, 0.2)  # s
_WINDOW_ENERGY: Final = 150.0  # sum of the squared Hann window of 400 samples


def amplify(audio: NDArray[np.float32], decibel: float) -> NDArray[np.float32]:
    """Change the level; full scale is the limit, as in a recording."""
    louder: NDArray[np.float32] = np.clip(audio * np.float32(10 ** (decibel / 20)), -1, 1)
    return louder


def roomy(audio: NDArray[np.float32], rng: random.Random) -> NDArray[np.float32]:
    """Convolve with a decaying noise, 50 to 200 ms long: a small room."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    length = int(SAMPLE_RATE * rng.uniform(*_ROOM))
    response = noise.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
    response[0] = rng.uniform(5, 15)
    response /= np.sqrt(np.square(response).sum())
    wet: NDArray[np.float32] = fftconvolve(audio, response)[: len(audio)].astype(np.float32)
    return wet


def noisy(
    audio: NDArray[np.float32], rng: random.Random, decibel: float | None = None
) -> NDArray[np.float32]:
    """Add white noise, or noise that falls towards high frequencies, at a signal-to-noise ratio."""
    ratio = rng.uniform(*SIGNAL_TO_NOISE) if decibel is None else decibel
    noise = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(len(audio))
    if rng.random() < 0.5:
        noise = np.convolve(noise, np.exp(-np.arange(40) / 8), "same")
    noise *= LEVEL * 10 ** (-ratio / 20) / (noise.std() + 1e-9)
    mixed: NDArray[np.float32] = audio + noise.astype(np.float32)
    return mixed


class MelNoise:
    """Stationary noise added to mel power directly, far cheaper than by way of samples."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        # one minute, reused from a random place: power of a noise band is about exponential
        self._grain = np.random.default_rng(0).standard_exponential((MELS, 6000), np.float32)

    def add(self, power: NDArray[np.float32]) -> None:
        """Add noise with a random slope over frequency to ``power`` (MELS, frames), in place."""
        ratio = self._rng.uniform(*SIGNAL_TO_NOISE)
        slope = np.linspace(0, self._rng.uniform(-3, 0), MELS, dtype=np.float32)
        bands = mel_filters().sum(1).numpy() * 10 ** (slope - slope.mean())
        level = LEVEL**2 * 10 ** (-ratio / 10) * _WINDOW_ENERGY
        first = self._rng.randrange(self._grain.shape[1] - power.shape[1] + 1)
        grain = self._grain[:, first : first + power.shape[1]]
        power += grain * (level * bands).astype(np.float32)[:, None]
