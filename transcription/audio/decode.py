"""From a file to samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

from transcription.audio.channels import Mixer
from transcription.audio.clock import Clock
from transcription.audio.samples import Samples
from transcription.audio.timeline import Timeline
from transcription.audio.tracks import Track
from transcription.errors import InvalidAudio
from transcription.notices import notice
from transcription.probe import beginning, opened

_WORTH_SAYING = 0.1  # seconds
MAX_SECONDS = 6 * 3600.0  # one hour takes 230 MB as float32


@dataclass(frozen=True, slots=True)
class Recording:
    """The sound, and what the caller should know of it."""

    samples: Samples
    warnings: tuple[str, ...] = ()


def decode(source: Path | bytes, *, max_seconds: float = MAX_SECONDS) -> Samples:
    """The samples of `read`."""
    return read(source, max_seconds=max_seconds).samples


def read(source: Path | bytes, *, max_seconds: float = MAX_SECONDS) -> Recording:
    """The recording's audio track.

    Raises InvalidAudio when it is empty, cannot be decoded or lasts longer than ``max_seconds``.
    """
    with opened(source) as (container, stream):
        return _read(source, container, stream, max_seconds)


def _read(
    source: Path | bytes, container: InputContainer, stream: AudioStream, max_seconds: float
) -> Recording:
    clock, mixer = Clock(beginning(container), max_seconds), Mixer()
    timeline = Timeline(clock, mixer, max_seconds)
    track = Track(source, container, stream)
    for frame, stamp in track.frames():
        timeline.add(frame, stamp, leap=track.leapt)
        track.leapt = False
    samples = timeline.end()
    if not samples.size:
        raise InvalidAudio("the audio track holds no sound")
    return Recording(samples, tuple(_warnings(timeline, clock, mixer, track)))


def _warnings(timeline: Timeline, clock: Clock, mixer: Mixer, track: Track) -> Iterator[str]:
    if track.damaged:
        yield notice("damaged", count=track.damaged)
    if timeline.silence >= _WORTH_SAYING:
        yield notice("silence_added", seconds=timeline.silence)
    if clock.jumps:
        yield notice("clock_jumped", count=clock.jumps)
    if mixer.cancelled >= _WORTH_SAYING:
        yield notice("channels_cancelled", seconds=mixer.cancelled)
    if mixer.unnamed:
        yield notice("channels_unnamed", count=mixer.unnamed)
