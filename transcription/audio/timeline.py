"""Sound put where its time stamps say: frames of any kind in, 16 kHz mono out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from transcription.audio.channels import Mixer, channels_of
from transcription.audio.clock import Clock
from transcription.audio.samples import SAMPLE_RATE, Samples
from transcription.errors import InvalidAudio

# Frames are mixed and resampled together: one by one they cost more than what is done with them.
# Within so much sound the channels cancel each other, or they do not.
_BLOCK = 0.25  # seconds


@dataclass(slots=True)
class _Silence:
    samples: int

    def __len__(self) -> int:
        return self.samples


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it was decoded, in pieces. Its silence takes no memory."""

    pieces: Sequence[Samples | _Silence] = ()

    def __len__(self) -> int:
        """How many samples there are."""
        return sum(map(len, self.pieces))

    def placed(self) -> Iterator[tuple[int, Samples]]:
        """What is not silence, and where it begins."""
        position = 0
        for piece in self.pieces:
            if not isinstance(piece, _Silence):
                yield position, piece
            position += len(piece)

    def whole(self) -> Samples:
        """All of it in one array."""
        whole = np.zeros(len(self), dtype=np.float32)
        for position, piece in self.placed():
            whole[position : position + len(piece)] = piece
        return whole


class _Run:
    """Frames of one kind without a gap: mixed and resampled a block at a time."""

    def __init__(self, frame: AudioFrame, mixer: Mixer) -> None:
        self._rate: Final = frame.sample_rate
        self._mixer: Final = mixer
        self._resampler: Final = AudioResampler("flt", "mono", SAMPLE_RATE)
        self._block: AudioFifo = AudioFifo()
        self._skip = 0
        self._taken = 0

    @property
    def seconds(self) -> float:
        """As much sound as was added."""
        return self._taken / self._rate

    def add(self, frame: AudioFrame, overlap: float) -> list[Samples]:
        """What is ready, once ``frame`` is added without its first ``overlap`` seconds."""
        skip = min(round(overlap * self._rate), frame.samples)
        ready = self._mixed() if skip or self._block.samples >= _BLOCK * self._rate else []
        self._skip = skip or self._skip
        self._taken += frame.samples - skip
        frame.pts = None
        self._block.write(frame)
        return ready

    def end(self) -> list[Samples]:
        """The rest."""
        rest = self._mixed()
        return rest if self._rate == SAMPLE_RATE else [*rest, *self._resampled(None)]

    def _mixed(self) -> list[Samples]:
        block = self._block.read()
        if block is None:
            return []
        sound = channels_of(block)[:, self._skip :]
        self._skip = 0
        if not sound.size:
            return []
        # Of several channels that stand side by side one is no row of bytes.
        mono = np.ascontiguousarray(self._mixer.mix(sound, block.layout, self._rate))
        if self._rate == SAMPLE_RATE:
            return [mono]
        frame = AudioFrame.from_ndarray(mono[None], "flt", "mono")
        frame.sample_rate = self._rate
        return self._resampled(frame)

    def _resampled(self, frame: AudioFrame | None) -> list[Samples]:
        return [piece.to_ndarray()[0] for piece in self._resampler.resample(frame)]


class Timeline:
    """The recording as it grows."""

    def __init__(self, clock: Clock, mixer: Mixer, max_seconds: float) -> None:
        self._clock: Final = clock
        self._mixer: Final = mixer
        self._max_seconds: Final = max_seconds
        self._pieces: list[Samples | _Silence] = []
        self._length = 0
        self._start = 0.0
        self._run: _Run | None = None
        self._kind: tuple[str, str, int] | None = None

    @property
    def silence(self) -> float:
        """Seconds of silence that replace what the file does not hold."""
        return sum(len(p) for p in self._pieces if isinstance(p, _Silence)) / SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """How long the recording is by now."""
        return self._start + (self._run.seconds if self._run else 0.0)

    def add(self, frame: AudioFrame, stamp: float | None, *, leap: bool) -> None:
        """Appends ``frame``. Raises InvalidAudio when the recording gets too long."""
        overlap = 0.0
        if stamp is not None:
            step = self._clock.step(stamp, self.seconds, leap=leap)
            overlap = step.overlap
            if step.silence:
                self._fill(step.silence)
            elif step.undone:
                self._take_back()
        # Chained files change their format midway.
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._run is None or kind != self._kind:
            self._end_run()
            self._run, self._kind = _Run(frame, self._mixer), kind
        self._append(self._run.add(frame, overlap))

    def end(self) -> Sound:
        """The whole recording."""
        self._end_run()
        return Sound(self._pieces)

    def _fill(self, silence: float) -> None:
        end = self.seconds + silence
        self._end_run()
        missing = _Silence(max(0, round(end * SAMPLE_RATE) - self._length))
        self._append([missing])
        self._start = self._length / SAMPLE_RATE

    def _take_back(self) -> None:
        """Takes the latest silence out."""
        for piece in reversed(self._pieces):
            if isinstance(piece, _Silence) and piece.samples:
                self._length -= piece.samples
                self._start -= piece.samples / SAMPLE_RATE
                piece.samples = 0
                return

    def _end_run(self) -> None:
        if self._run is not None:
            self._append(self._run.end())
            self._run = None
        self._start = self._length / SAMPLE_RATE

    def _append(self, pieces: Iterable[Samples | _Silence]) -> None:
        for piece in pieces:
            self._pieces.append(piece)
            self._length += len(piece)
        # Checked while decoding, because not every container tells its length.
        check_length(self._length, self._max_seconds)


def check_length(samples: int, max_seconds: float) -> None:
    """Raises InvalidAudio for a recording that is too long."""
    if samples > max_seconds * SAMPLE_RATE:
        raise InvalidAudio(f"is longer than the limit of {max_seconds:g} seconds")
