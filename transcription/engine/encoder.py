"""Whisper's encoder: what its decoder looks at, for windows of any length, and none twice.

Whisper was trained on 30 s, and padding to them is most of the work for a short window. A
spectrogram here is as long as its speech, in few lengths. What the encoder makes of the silence
behind it hardly depends on the speech, so it is put there from an encoding of silence alone, and
the decoder finds the end where it learned to (docs/decisions/101-windows-fitted-to-the-speech.md).
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from transcription.audio import Samples
from transcription.engine.features import PER_SECOND, WHOLE, log_mels
from transcription.findings import Window

FITTED = (1500, WHOLE)  # frames; every length less is one batch more
_REST = 1.0  # seconds of silence behind the speech, at least
_MOST = 16  # encodings that are kept, 3 MB each with base: one for each recording under way
_LEVELS = 4  # of silence in a unit of the spectrogram (40 dB), between which nothing is told apart

Array = NDArray[np.float32]
Encode = Callable[[Any], Any]


class Encoder:
    """One model's encoder, with a memory of the windows that it was asked to keep."""

    def __init__(self, encode: Encode, mels: int, *, gpu: bool, fitted: bool) -> None:
        """``encode`` takes spectrograms (windows, mels, frames). ``fitted``: in few lengths."""
        self._encode = encode
        self._mels = mels
        self._gpu = gpu
        self._lengths = FITTED if fitted and not gpu else (WHOLE,)
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self._silences: dict[int, Array] = {}
        self._lock = threading.Lock()

    def fits(self, window: Window) -> bool:
        """Whether a window is encoded at less than the whole length."""
        return self._frames(window) < WHOLE

    def __call__(
        self,
        samples: Samples,
        windows: Sequence[Window],
        *,
        whole: bool = False,
        keep: bool = False,
    ) -> Any:
        """CTranslate2's encodings of ``windows``, all of the whole length.

        ``whole``: from spectrograms of the whole length. ``keep``: for the next call, which takes
        them away.
        """
        if self._gpu:
            return self._on_gpu(self._features(samples, windows, WHOLE), keep=keep)
        found: list[Array] = []
        for frames, group in groupby(windows, lambda it: WHOLE if whole else self._frames(it)):
            features = self._features(samples, list(group), frames)
            found += self._known(features, keep=keep)
        return ctranslate2.StorageView.from_array(np.stack(found))

    def _on_gpu(self, features: Array, *, keep: bool) -> Any:
        """In one piece, which stays there: one window more costs less than joining two pieces."""
        names = [_content(one) for one in features]
        with self._lock:
            known = [self._kept.pop(name) for name in names if name in self._kept]
        encoded = known[0] if len(known) == len(names) == 1 else self._encode(features)
        if keep and len(names) == 1:
            self._keep({names[0]: encoded})
        return encoded

    def _keep(self, found: Mapping[bytes, Any]) -> None:
        with self._lock:
            self._kept |= found
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def _frames(self, window: Window) -> int:
        least = (window.duration + _REST) * PER_SECOND
        return next((frames for frames in self._lengths if frames >= least), WHOLE)

    def _features(self, samples: Samples, windows: Sequence[Window], frames: int) -> Array:
        features: Array = log_mels(
            samples, windows, self._mels, "cuda" if self._gpu else "cpu", frames
        )
        return features

    def _known(self, features: Array, *, keep: bool) -> list[Array]:
        names = [_content(one) for one in features]
        with self._lock:
            known = {name: self._kept.pop(name) for name in names if name in self._kept}
        missing = [place for place, name in enumerate(names) if name not in known]
        if missing:
            encoded = self._filled(features[missing])
            known |= {names[place]: one for place, one in zip(missing, encoded, strict=True)}
        if keep:
            self._keep(known)
        return [known[name] for name in names]

    def _filled(self, features: Array) -> list[Array]:
        """Encodings of spectrograms of one length, with silence behind them."""
        encoded: Array = np.array(self._encode(features))
        length = encoded.shape[1]
        if features.shape[2] == WHOLE:
            return list(encoded)
        return [
            np.concatenate([own, self._silence(float(one[0, -1]))[length:]])
            for own, one in zip(encoded, features, strict=True)
        ]

    def _silence(self, level: float) -> Array:
        """What is made of silence that has ``level`` in the spectrogram."""
        key = round(level * _LEVELS)
        with self._lock:
            if key not in self._silences:
                silence = np.full((1, self._mels, WHOLE), key / _LEVELS, dtype=np.float32)
                self._silences[key] = np.array(self._encode(silence))[0]
            return self._silences[key]


def _content(features: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(features).data, digest_size=16).digest()
