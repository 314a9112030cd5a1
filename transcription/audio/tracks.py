"""An audio track's decoded frames. What is damaged is passed over, as players do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from transcription.audio.chunks import HEAD, UNEVEN, Chunks
from transcription.audio.pace import Pace
from transcription.sources import Places, Source

_PATIENCE = 50  # errors in a row after which a damaged file is taken to have ended
# Files put together from pieces go on with another clock. A pause of one track is no such leap:
# the other tracks go on meanwhile.
_LEAP = 10.0  # seconds
# Broadcast streams, whose clock may be set anew at any place.
_RESET = frozenset({"mpegts", "mpeg"})
# Their stamps count the packets that were found, so damage would pull all that follows forward.
_COUNTED = frozenset({"aac", "loas", "ac3", "eac3", "dts", "mp3", "amr", "avi", "wav", "w64"})
# Of them those whose demuxers pass over bytes that are no packet without a word.
_SKIPPING = frozenset({"aac"})
_REACH = 1 << 20  # bytes that may have been passed over at once


@dataclass(slots=True)
class _Span:
    """The stamps between which a track went on without a leap."""

    start: float
    end: float
    before: float  # the latest leap


class Track:
    """Decodes one track of an open container, and counts what could not be."""

    def __init__(self, source: Source, container: InputContainer, stream: AudioStream) -> None:
        self._container: Final = container
        self._stream: Final = stream
        self._resets: Final = container.format.name in _RESET
        counted = container.format.name in _COUNTED and len(container.streams) == 1
        self._pace: Final = Pace() if counted else None
        self._skips: Final = container.format.name in _SKIPPING
        self._places: Final = Places(source)
        self._uncounted = 0  # bytes
        is_avi = container.format.name == "avi"
        self._untimed: Final = is_avi and stream.codec_context.name in UNEVEN
        self._chunks: Final = Chunks(self._places, stream) if is_avi else None
        # Once: fractions are slow, and packets many.
        self._ticks: Final = {s.index: float(s.time_base or 0) for s in container.streams}
        self._spans: Final[dict[int, _Span]] = {}
        self.damaged = 0  # packets
        self.end = 0.0  # of all tracks together, as far as the file could be read; a stamp
        self.leapt = False  # the clock of the whole file, before the latest frame

    def frames(self) -> Iterator[tuple[AudioFrame, float | None]]:
        """The frames in order, with their stamps in seconds."""
        for packet in self._packets():
            self._watch(packet)
            # By the stream: packets that drain decoders all bear the index 0.
            if packet.stream is not self._stream:
                continue
            late = self._chunks.late(packet) if self._chunks else 0.0
            late += self._lost_before(packet)
            for frame in self._decoded(packet):
                stamp = None if self._untimed else frame.time
                yield frame, None if stamp is None else stamp + late

    def _packets(self) -> Iterator["Packet[Stream]"]:
        """Every packet that can be read, and at the end the empty ones that drain decoders."""
        errors = 0
        while errors < _PATIENCE:
            try:
                for packet in self._container.demux():
                    errors = 0
                    yield packet
            except av.error.FFmpegError:
                self.damaged += not errors
                errors += 1
            except IndexError:  # PyAV's at the end, where damage had made up one more track
                return
            else:
                return
        drain: Packet[Stream] = Packet()
        drain.stream = self._stream
        yield drain

    def _lost_before(self, packet: "Packet[Stream]") -> float:
        """Seconds of sound that the stamps do not know of, because they count packets."""
        if self._pace is None or packet.pos is None:
            return 0.0
        if self._pace.refused or self._skips:
            # What demuxers pass over they do not count, so packets stand later than they say.
            place = self._places.find(bytes(packet), packet.pos + self._uncounted, _REACH)
            self._uncounted = max(self._uncounted, place - packet.pos)
        tick = self._ticks[packet.stream_index]
        empty = self._chunks.empty * HEAD if self._chunks else 0
        position = packet.pos + self._uncounted - empty
        return self._pace.lost(position, packet.size, (packet.duration or 0) * tick)

    def _decoded(self, packet: "Packet[Stream]") -> list[AudioFrame]:
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            self.damaged += 1
            if self._pace is not None:
                self._pace.refused = True
            return []
        return frames

    def _watch(self, packet: "Packet[Stream]") -> None:
        """Notes how far the file's clock is."""
        if packet.dts is None:
            return
        tick = self._ticks[packet.stream_index]
        stamp = packet.dts * tick
        self.end = max(self.end, stamp + (packet.duration or 0) * tick)
        if self._resets:
            self._follow(packet.stream_index, stamp)

    def _follow(self, index: int, stamp: float) -> None:
        """Notes whether the file's clock leapt before ``stamp`` of track ``index``."""
        span = self._spans.setdefault(index, _Span(stamp, stamp, stamp))
        if abs(stamp - span.end) > _LEAP:
            # A wrong stamp leaps, too, but the next one is back.
            back = abs(stamp - span.before) <= _LEAP
            if index == self._stream.index:
                others = (other for key, other in self._spans.items() if key != index)
                self.leapt = not back and not any(
                    other.start < span.end + _LEAP and other.end > stamp - _LEAP for other in others
                )
            span.start, span.before = stamp, span.end
        span.end = stamp
