"""Recordings as the models want them: 16 kHz, one channel, float32; decoded once by PyAV."""

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from transcription.errors import InvalidAudio
from transcription.probe import opened

SAMPLE_RATE = 16_000  # Hz, what Whisper, wav2vec2 and pyannote were trained on
MAX_SECONDS = 6 * 3600.0  # one hour takes 230 MB as float32

Samples = npt.NDArray[np.float32]  # shape (n,), full scale is [-1, 1]


def decode(source: Path | bytes, *, max_seconds: float = MAX_SECONDS) -> Samples:
    """The recording's first audio track.

    Raises InvalidAudio when it is empty, cannot be decoded or lasts longer than ``max_seconds``.
    """
    limit = int(max_seconds * SAMPLE_RATE)
    pieces: list[Samples] = []
    total = 0
    with opened(source) as (container, stream):
        for piece in _resampled(_frames(container, stream)):
            pieces.append(piece)
            total += len(piece)
            # Checked while decoding, because not every container tells its length.
            if total > limit:
                raise InvalidAudio(f"is longer than the limit of {max_seconds:g} seconds")
    if total == 0:
        raise InvalidAudio("the audio track holds no sound")
    # Floating-point files may hold NaN, which would spread through every model.
    return np.nan_to_num(np.concatenate(pieces), copy=False, nan=0.0, posinf=1.0, neginf=-1.0)


def seconds(samples: Samples) -> float:
    """Length of ``samples`` in seconds."""
    return len(samples) / SAMPLE_RATE


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; damaged packets are passed over, as players do."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


def _resampled(frames: Iterator[AudioFrame]) -> Iterator[Samples]:
    """16 kHz mono pieces. Chained files change their format midway: each format has a resampler."""
    resampler: AudioResampler | None = None
    current: tuple[str, str, int] | None = None
    for frame in frames:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != current:
            yield from _drained(resampler)
            resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            current = shape
        frame.pts = None  # gaps in the timestamps are the container's business, not the sound's
        assert resampler is not None
        yield from map(_samples, resampler.resample(frame))
    yield from _drained(resampler)


def _drained(resampler: AudioResampler | None) -> Iterator[Samples]:
    """What a resampler still holds back."""
    if resampler is not None:
        yield from map(_samples, resampler.resample(None))


def _samples(frame: AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
