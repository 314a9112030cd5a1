"""What a recording is, without decoding it. Needs PyAV alone: no numpy, no system FFmpeg."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from transcription.errors import InvalidAudio

# Files of one recording only. Playlists (hls, dash, concat, sdp) name further files and addresses,
# which FFmpeg would open: a stranger's recording must not read this machine's disk or network.
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,gsm,matroska,webm,mov,mp4,m4a,mp3,"
    "mpeg,mpegts,ogg,tta,voc,w64,wav,wv"
)
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file,pipe"}
# These begin with a signature and a header that tells all: 4 kB say as much as FFmpeg's usual 5 MB
# and are read in an eighth of the time. Of others, and of headers that leave something open, more
# is read.
_BY_HEADER = frozenset({"wav", "w64", "flac", "aiff", "caf"})
_HEADER = {**_OPTIONS, "probesize": "4096"}


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The first audio track. ``duration`` in seconds, None where the container does not say."""

    duration: float | None
    codec: str
    container: str
    sample_rate: int  # Hz
    channels: int


def probe(path: Path) -> AudioInfo:
    """What the recording at ``path`` is. Raises InvalidAudio."""
    with suppress(InvalidAudio):
        info = _probe(path, _HEADER)
        if info.container in _BY_HEADER and info.duration and info.sample_rate and info.channels:
            return info
    return _probe(path, _OPTIONS)


def _probe(path: Path, options: dict[str, str]) -> AudioInfo:
    with _opened(path, options) as (container, stream):
        return AudioInfo(
            duration=_duration(container, stream),
            codec=stream.codec_context.name,
            container=container.format.name,
            sample_rate=stream.sample_rate,
            channels=stream.channels,
        )


@contextmanager
def opened(source: Path | bytes) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The open container and its first audio track. Raises InvalidAudio, also from the body."""
    with _opened(source, _OPTIONS) as found:
        yield found


@contextmanager
def _opened(
    source: Path | bytes, options: dict[str, str]
) -> Iterator[tuple[InputContainer, AudioStream]]:
    if (source.stat().st_size if isinstance(source, Path) else len(source)) == 0:
        raise InvalidAudio("the recording is empty (0 bytes)")
    # Absolute, because FFmpeg takes what precedes a colon for a protocol.
    file = str(source.absolute()) if isinstance(source, Path) else BytesIO(source)
    try:
        # Titles and the like come in any encoding; they are not needed and must not fail.
        with av.open(file, mode="r", options=options, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise InvalidAudio("the file has no audio track")
            yield container, container.streams.audio[0]
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise InvalidAudio("is not a recording in a format that can be read") from error


# The clocks of these begin at nought; those of others begin where the first sound or picture is.
_FROM_NOUGHT = frozenset({"mov", "matroska", "ogg", "flv", "asf", "avi"})
# Seconds. Recordings of live streams keep the stream's clock, whose beginning says nothing.
_LIVE = 60.0


def beginning(container: InputContainer) -> float:
    """The time stamp of the recording's beginning, in seconds."""
    first = (container.start_time or 0) / av.time_base
    from_nought = container.format.name.partition(",")[0] in _FROM_NOUGHT and first <= _LIVE
    return 0.0 if from_nought else first


def _duration(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return container.duration / av.time_base
    return None
