"""Which of a file's audio tracks is heard. Needs PyAV alone."""

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from transcription.errors import InvalidAudio, InvalidInput
from transcription.options import TRACK

MIX = "mix"
_OF_ONE_TRACK = "flv"  # what looks like another is damage


def count_of(container: InputContainer) -> int:
    """How many audio tracks the file has."""
    return 1 if container.format.name == _OF_ONE_TRACK else len(container.streams.audio)


def number_of(container: InputContainer, track: str | None) -> int | None:
    """The number of the track that is heard, from 1 on; None where all are.

    Raises InvalidInput for a track that the file does not have.
    """
    streams = container.streams.audio[: count_of(container)]
    if track == MIX:
        return None
    if track is None:
        return streams.index(max(streams, key=_claim)) + 1
    if int(track) > len(streams):
        tracks = "1 audio track" if len(streams) == 1 else f"{len(streams)} audio tracks"
        raise InvalidInput(TRACK, f"{track}: the recording has {tracks}")
    return int(track)


def stream_of(container: InputContainer, number: int) -> AudioStream:
    """The track. Raises InvalidAudio when nothing here decodes it."""
    stream = container.streams.audio[number - 1]
    if stream.codec_context is None:
        raise InvalidAudio("the audio is in a codec that cannot be decoded here")
    return stream


def _claim(stream: AudioStream) -> tuple[bool, bool, int]:
    """As FFmpeg's own program ranks tracks: of those with sound the default one, the widest."""
    if stream.codec_context is None:
        return False, False, 0
    default = bool(stream.disposition & Disposition.default)
    return bool(stream.sample_rate and stream.channels), default, stream.channels
