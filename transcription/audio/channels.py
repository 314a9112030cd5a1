"""One channel from several, without losing any."""

from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler

from transcription.audio.samples import Samples

Channels = npt.NDArray[Any]  # shape (channels, n), as the decoder gives them

# How loud a named channel is in the mix, as in ITU-R BS.775: the front centre carries the dialogue.
_FRONT, _SIDE = 2**-0.5, 0.5
_LOUDNESS = {
    **dict.fromkeys(("FC",), 1.0),
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "DL", "DR"), _FRONT),
    **dict.fromkeys(("BL", "BR", "BC", "SL", "SR", "WL", "WR"), _SIDE),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),
}
# Of the power that independent channels would have, averaged; below it they cancel each other.
_CANCELS = 0.1
_SILENT = 1e-10  # mean square; -100 dB
_EVERY = 8  # samples: the power of some is that of all
_MANY = 2  # one and two channels need no name
# PyAV reads beyond the end of what has more planes than this.
_MOST_PLANES = 7
_READABLE = frozenset({"u8", "s16", "s32", "flt", "dbl"})
_LOUDEST = 100.0  # mean square; beyond it these are no samples
_MIDDLE = 128  # what silence is in unsigned bytes


def channels_of(frame: AudioFrame) -> Channels:
    """The frame's channels, in the decoder's own numbers."""
    if not _readable(frame):
        frame.pts = None
        packing = AudioResampler("flt", frame.layout.name, frame.sample_rate)
        frame = packing.resample(frame)[0]
    array = frame.to_ndarray()
    return array if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels).T


def _readable(frame: AudioFrame) -> bool:
    planes = frame.layout.nb_channels if frame.format.is_planar else 1
    return frame.format.packed.name in _READABLE and planes <= _MOST_PLANES


class Mixer:
    """Mixes channels, and remembers what a caller should know of it."""

    def __init__(self) -> None:
        self.cancelled = 0.0  # seconds in which one channel stands for all
        self.unnamed = 0  # as many channels had no name; none where they had
        self.channels = 1  # the most at once
        self._weights: dict[str, Samples] = {}

    def mix(self, sound: Channels, layout: AudioLayout, rate: int) -> Samples:
        """One channel of full scale [-1, 1]."""
        channels = _scaled(sound)
        self.channels = max(self.channels, len(channels))
        if len(channels) == 1:
            only: Samples = channels[0]
            return only
        mixed: Samples = self._weights_of(layout) @ channels
        if not _is_lost(mixed, channels):
            return mixed
        self.cancelled += len(mixed) / rate
        loudest: Samples = channels[_powers(channels).argmax()]
        return loudest

    def _weights_of(self, layout: AudioLayout) -> Samples:
        if layout.name not in self._weights:
            count, names = layout.nb_channels, [channel.name for channel in layout.channels]
            loudness = [_LOUDNESS[name] for name in names if name in _LOUDNESS]
            if count <= _MANY or len(loudness) < count or not any(loudness):
                self.unnamed = max(self.unnamed, count if count > _MANY else 0)
                loudness = [1.0] * count
            weights = np.array(loudness, dtype=np.float32) / np.float32(sum(loudness))
            self._weights[layout.name] = weights
        return self._weights[layout.name]


class Picker(Mixer):
    """Lets one channel through; silence where there are fewer."""

    def __init__(self, channel: int) -> None:
        super().__init__()
        self._channel = channel

    def mix(self, sound: Channels, layout: AudioLayout, rate: int) -> Samples:  # noqa: ARG002
        """That channel in full scale [-1, 1]."""
        self.channels = max(self.channels, len(sound))
        if self._channel >= len(sound):
            return np.zeros(sound.shape[1], dtype=np.float32)
        only: Samples = _scaled(sound[self._channel][None])[0]
        return only


def _is_lost(mixed: Samples, channels: Samples) -> bool:
    """Whether the mix holds much less than its channels do."""
    expected = float(_powers(channels).sum()) / len(channels) ** 2
    return expected > _SILENT and float(_powers(mixed[None])[0]) < _CANCELS * expected


def _powers(channels: Samples) -> Samples:
    """The mean square of each channel."""
    some = np.ascontiguousarray(channels[:, ::_EVERY])
    powers: Samples = np.einsum("ij,ij->i", some, some) / some.shape[1]
    return powers


def _scaled(sound: Channels) -> Samples:
    """As float32 of full scale [-1, 1]. Floating-point files may hold any number."""
    if sound.dtype.kind == "f":
        plain: Samples = sound.astype(np.float32, copy=False)
        if np.vdot(plain, plain) <= _LOUDEST * plain.size:
            return plain
        return np.clip(np.nan_to_num(plain, nan=0.0), -1.0, 1.0)
    scaled = sound.astype(np.float32)
    if sound.dtype == np.uint8:
        scaled -= _MIDDLE
    scaled *= np.float32(2.0 ** (1 - 8 * sound.itemsize))
    return scaled
