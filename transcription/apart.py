"""Channels heard one by one, as one recording: they are laid one after the other.

So every stage is what it is for one channel, and windows of all channels share batches. Only here
is it known that a second of the recording stands for the same second of another channel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from transcription.audio import Recording, Samples, seconds
from transcription.audio.sandboxed import Reader
from transcription.audio.timeline import check_length
from transcription.contradictions import SEPARATE
from transcription.findings import Window
from transcription.notices import notice
from transcription.options import Options
from transcription.transcript import Segment

_ALIKE: Final = 1e-4  # of a channel's power: what differs less is the same sound, at -40 dB


@dataclass(frozen=True, slots=True)
class Sound:
    """What is heard: ``samples`` of ``channels`` that last ``duration`` seconds each."""

    samples: Samples
    warnings: tuple[str, ...] = ()
    channels: int = 1
    apart: bool = False

    @property
    def duration(self) -> float:
        """Seconds of the recording."""
        return seconds(self.samples) / self.channels

    @property
    def mixed(self) -> Samples:
        """The loudest of all channels at each moment."""
        rows = self.samples.reshape(self.channels, -1)
        loudest: Samples = np.take_along_axis(rows, np.abs(rows).argmax(axis=0)[None], 0)[0]
        return loudest if self.channels > 1 else self.samples

    def windows(self, find: Callable[[Samples], Sequence[Window]]) -> list[Window]:
        """What ``find`` finds in each channel, in the order in which it is said."""
        found = [
            (window.start, channel, window)
            for channel, own in enumerate(self.samples.reshape(self.channels, -1))
            for window in find(own)
        ]
        return [
            Window(window.start + channel * self.duration, window.end + channel * self.duration)
            for _, channel, window in sorted(found, key=lambda each: each[:2])
        ]

    def placed(self, segment: Segment, *, speakers: bool) -> Segment:
        """``segment`` at its time in the recording, with its channel and, if wanted, a speaker."""
        if not self.apart:
            return segment
        channel = min(self.channels - 1, int(segment.start / self.duration + 1e-9))
        moved = segment.moved(-channel * self.duration)
        speaker = f"SPEAKER_{channel:02d}" if speakers else None
        words = tuple(replace(word, speaker=speaker) for word in moved.words)
        return replace(moved, channel=channel + 1, speaker=speaker, words=words)

    def laid(self, segment: Segment) -> Segment:
        """The inverse of `placed`."""
        if not self.apart or segment.channel is None:
            return segment
        return replace(segment.moved((segment.channel - 1) * self.duration), channel=None)


def heard(read: Reader, source: Path | bytes, options: Options, max_seconds: float) -> Sound:
    """The recording, its channels mixed or apart. Raises what ``read`` does."""
    if options.channels != SEPARATE:
        recording = read(source, track=options.audio_track, max_seconds=max_seconds)
        return Sound(recording.samples, recording.warnings)
    first = read(source, track=options.audio_track, max_seconds=max_seconds, channel=0)
    check_length(len(first.samples) * first.channels, max_seconds)
    others = [
        read(source, track=options.audio_track, max_seconds=max_seconds, channel=channel).samples
        for channel in range(1, first.channels)
    ]
    return _apart(first, others)


def _apart(first: Recording, others: Sequence[Samples]) -> Sound:
    if all(_alike(first.samples, other) for other in others):
        return Sound(first.samples, (*first.warnings, notice("one_channel")), apart=True)
    whole = np.concatenate([first.samples, *others])
    return Sound(whole, first.warnings, 1 + len(others), apart=True)


def _alike(one: Samples, other: Samples) -> bool:
    difference = one - other
    return float(np.vdot(difference, difference)) <= _ALIKE * float(np.vdot(one, one))
