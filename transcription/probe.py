"""What a recording is, without decoding it. Needs PyAV alone: no numpy, no system FFmpeg."""

from contextlib import suppress
from dataclasses import dataclass, replace

import av
from av.container import InputContainer
from av.stream import Stream

from transcription.containers import OPTIONS, opened
from transcription.errors import InvalidAudio
from transcription.parts import divided
from transcription.sources import Source
from transcription.tracks import number_of, stream_of

# These begin with a signature and a header that tells all: 4 kB say as much as FFmpeg's usual 5 MB
# and are read in an eighth of the time. Of others, and of headers that leave something open, more
# is read.
_BY_HEADER = frozenset({"wav", "w64", "flac", "aiff", "caf"})
_HEADER = {**OPTIONS, "probesize": "4096"}


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The audio track that is heard, the first where all are.

    ``duration`` in seconds, None where the container does not say.
    """

    duration: float | None
    codec: str
    container: str
    sample_rate: int  # Hz
    channels: int


def probe(source: Source, track: str | None = None) -> AudioInfo:
    """What the recording is. Raises InvalidAudio, or InvalidInput for ``track``.

    Of several recordings in the file it is the first, with the duration of all.
    """
    with divided(source) as recordings:
        info, *others = (_quickly(each, track) for each in recordings)
    durations = [each.duration for each in (info, *others)]
    return replace(info, duration=None if None in durations else sum(filter(None, durations)))


def _quickly(source: Source, track: str | None) -> AudioInfo:
    with suppress(InvalidAudio):
        info = _probe(source, track, _HEADER)
        if info.container in _BY_HEADER and info.duration and info.sample_rate and info.channels:
            return info
    return _probe(source, track, OPTIONS)


def _probe(source: Source, track: str | None, options: dict[str, str]) -> AudioInfo:
    with opened(source, options) as container:
        stream = stream_of(container, number_of(container, track) or 1)
        return AudioInfo(
            duration=_duration(container, stream),
            codec=stream.codec_context.name,
            container=container.format.name,
            sample_rate=stream.sample_rate,
            channels=stream.channels,
        )


# The clocks of these begin at nought; those of others begin where the first sound or picture is.
_FROM_NOUGHT = frozenset({"mov", "matroska", "ogg", "flv", "asf", "avi", "nut"})
# Seconds. Recordings of live streams keep the stream's clock, whose beginning says nothing.
_LIVE = 60.0


def beginning(container: InputContainer) -> float:
    """The time stamp of the recording's beginning, in seconds."""
    first = (container.start_time or 0) / av.time_base
    from_nought = container.format.name.partition(",")[0] in _FROM_NOUGHT and first <= _LIVE
    return 0.0 if from_nought else first


# Their heads say how long they are; of others FFmpeg guesses, by the bytes that are there.
_SAYING = frozenset({"mov", "matroska", "flv", "asf", "flac", "tta", "wv", "ape", "rm"})


def promised(container: InputContainer) -> float | None:
    """The stamp of the end that the file's head promises, in seconds; None where it does not."""
    kind = container.format.name.partition(",")[0]
    # Only a head like Xing's knows of the encoder's delay, and it counts the frames.
    if container.duration is None or not (
        kind in _SAYING or (kind == "mp3" and container.start_time)
    ):
        return None
    if kind == "asf":  # FFmpeg adds the file's length to each track's beginning
        return max((_duration(container, each) or 0.0 for each in container.streams), default=None)
    return container.duration / av.time_base


def _duration(container: InputContainer, stream: Stream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return container.duration / av.time_base
    return None
