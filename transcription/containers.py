"""Opening recordings: which formats are read, and why a file is none. Needs PyAV alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO, RawIOBase
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from transcription.errors import InvalidAudio
from transcription.sources import Source
from transcription.unreadable import reason

# Files of one recording only. Playlists (hls, dash, concat, sdp) name further files and addresses,
# which FFmpeg would open: a stranger's recording must not read this machine's disk or network.
# Formats of games and of films without sound are left out: each is a decoder more to attack.
_EVERYDAY = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,matroska,webm,mov,mp4,m4a,mp3,mpeg,"
    "mpegts,ogg,tta,voc,w64,wav,wv"
)
_TELEPHONY = "amrnb,amrwb,act,aptx,aptx_hd,dss,g722,gsm,ilbc,lc3,qcp,sbc"
_STUDIO = "dsf,dtshd,dv,gxf,iff,ircam,mxf,nistsphere,oma,paf,pvf,rm,sds,sox,spdif,wtv,xwma"
_LOSSLESS = "bonk,mlp,mpc,mpc8,osq,qoa,shn,tak,truehd"
_STREAMS = "ivr,loas,nsv,nut,swf"
FORMATS = f"{_EVERYDAY},{_TELEPHONY},{_STUDIO},{_LOSSLESS},{_STREAMS}"
OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file,pipe"}


@contextmanager
def opened(source: Source, options: dict[str, str] | None = None) -> Iterator[InputContainer]:
    """The open container, which has an audio track. Raises InvalidAudio, also from the body."""
    if _is_empty(source):
        raise InvalidAudio("the recording is empty (0 bytes)")
    if isinstance(source, RawIOBase):
        source.seek(0)
    # Absolute, because FFmpeg takes what precedes a colon for a protocol.
    name = str(source.absolute()) if isinstance(source, Path) else None
    file = name or (BytesIO(source) if isinstance(source, bytes) else source)
    try:
        # Titles and the like come in any encoding; they are not needed and must not fail.
        with av.open(
            file, mode="r", options=options or OPTIONS, metadata_errors="ignore"
        ) as container:
            if not container.streams.audio:
                raise InvalidAudio("the file has no audio track")
            yield container
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise InvalidAudio(reason(source)) from error


def _is_empty(source: Source) -> bool:
    if isinstance(source, Path):
        return source.stat().st_size == 0
    return not (source if isinstance(source, bytes) else source.seek(0, SEEK_END))
