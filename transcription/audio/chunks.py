"""Time derived from the chunks of an AVI file, which has no time stamps: each lasts as long."""

from typing import Final

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from transcription.sources import Places

HEAD = 8  # bytes of a chunk
# FFmpeg takes a large packet of these for two.
_MISCOUNTED = frozenset({"aac"})
# Their packets last differently long, so that counting them says nothing.
UNEVEN = frozenset({"vorbis", "opus"})


class Chunks:
    """Counts the chunks of a track."""

    def __init__(self, places: Places, stream: AudioStream) -> None:
        self._places: Final = places
        self._tick: Final = float(stream.time_base or 0)
        self._is_miscounted: Final = stream.codec_context.name in _MISCOUNTED
        self._packets = 0
        self._end: int | None = None  # of the latest packet, in the file
        self.empty = 0

    def late(self, packet: "Packet[Stream]") -> float:
        """Seconds by which the packet stands later than FFmpeg says.

        It passes over empty chunks, which stand for silence.
        """
        if packet.pos is None:
            return 0.0
        if self._end is not None:
            head = b"%02dwb" % packet.stream_index + bytes(4)
            self.empty += self._places.count(head, self._end, packet.pos)
        self._end = packet.pos + HEAD + packet.size
        late = float(self.empty * (packet.duration or 0))
        if self._is_miscounted and packet.pts is not None:
            late += self._packets - packet.pts
        self._packets += 1
        return late * self._tick
