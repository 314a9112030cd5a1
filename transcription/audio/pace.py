"""Time told by bytes, for streams of packets that carry no time stamps."""

from collections import deque
from statistics import fmean
from typing import Final

_RECENT = 64  # packets; a second or two
_ENOUGH = 4  # packets that say how long one is
_MUCH = 1.5  # packets; more bytes than that hold more than one


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

    def lost(self, position: int, size: int, duration: float) -> float:
        """Seconds lost before the packet at ``position``, since the beginning."""
        step, skipped = position - self._start, position - self._end
        suspicious = self._end and (self.refused or skipped)
        usual = fmean(self._recent) if suspicious and len(self._recent) >= _ENOUGH else step
        if suspicious and step > _MUCH * usual and (self.refused or skipped > _MUCH * usual):
            self._lost += (round(step / usual) - 1) * duration
        elif self._end and not self.refused:
            self._recent.append(step)
        self._start, self._end, self.refused = position, position + size, False
        return self._lost
