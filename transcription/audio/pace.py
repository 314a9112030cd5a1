"""Time derived from bytes, for streams of packets that carry no time stamps."""

import math
from collections import deque
from statistics import fmean
from typing import Final

_RECENT = 64  # packets; a second or two
_ENOUGH = 4  # packets that say how long one is
_MUCH = 0.5  # packets that one seems to be longer than usual; of several, with their root


class Pace:
    """How much sound was lost between the packets of a damaged stream.

    A decoder's parser takes damaged bytes for a part of the packet before them, which the decoder
    then refuses, or passes over them.
    """

    def __init__(self) -> None:
        self.refused = False  # by the decoder: the packet that `lost` was called for last
        self._recent: Final[deque[int]] = deque(maxlen=_RECENT)  # bytes from packet to packet
        self._start = 0
        self._end = 0
        self._lost = 0.0
        self._span, self._packets = 0, 0  # bytes and packets since the latest that was as usual
        self._before = 0.0  # lost before them

    def lost(self, position: int, size: int, duration: float) -> float:
        """Seconds lost before the packet at ``position``, since the beginning."""
        step, skipped = position - self._start, position - self._end
        usual = fmean(self._recent) if len(self._recent) >= _ENOUGH else step
        if self._end and (self.refused or skipped > usual * (1 + _MUCH)):
            # All of a damaged stretch at once: packets differ, and errors of each would add up.
            self._span, self._packets = self._span + step, self._packets + 1
            more = self._span / usual - self._packets
            much = more > _MUCH * math.sqrt(self._packets)
            self._lost = self._before + (round(more) * duration if much else 0.0)
        elif self._end:
            self._recent.append(step)
            self._span, self._packets, self._before = 0, 0, self._lost
        self._start, self._end, self.refused = position, position + size, False
        return self._lost
