"""Where sound stands: what a track's time stamps say, and how far they are believed."""

from typing import Final, NamedTuple

JITTER = 0.010  # seconds: muxers round their stamps, and live ones come a little late
# Seconds that sound may stand late. Dropping it would cost speech, and the next gap takes it back.
_LATE = 0.040
# Pieces of a stream that were encoded one by one overlap by a codec's frame or two.
_OVERLAP = 0.100
_MEMORY = 60.0  # seconds of sound within which a gap may turn out to be a wrong stamp
# Sound between two corrections of less than `_OVERLAP`; a clock that needs more goes wrong itself.
_STEADY = 0.5  # seconds
_STRAYS = 10  # such corrections, after which it is not believed
_CLOCKS = 8  # earlier clocks that may go on


class Step(NamedTuple):
    """What to do before the next sound is appended; all in seconds, at most one is not 0."""

    silence: float = 0.0  # add so much
    overlap: float = 0.0  # leave so much of the sound's beginning out
    undone: float = 0.0  # take the latest silence out again, which is so long


_GO_ON: Final = Step()


class Clock:
    """Compares stamps with what was appended so far.

    A gap is silence. A clock that jumps back, or beyond ``limit``, is a new clock: its sound is
    appended as if it went on. A damaged stamp looks the same; the old clock then comes back, and
    silence that the damaged stamp made is taken out again.
    """

    def __init__(self, zero: float, limit: float) -> None:
        """``zero`` is the stamp of the recording's beginning; nothing stands after ``limit``."""
        self._offset = -zero
        self._limit = limit
        self._earlier: list[float] = []
        self._gaps: list[tuple[float, float]] = []  # position after the gap, its length
        self._stamp = -1.0
        self._corrected = -_STEADY  # where the latest small correction was
        self._strays = 0
        self.jumps = 0

    def step(self, stamp: float, at: float, *, leap: bool = False) -> Step:
        """For sound stamped ``stamp`` that would be appended at ``at``.

        ``leap``: the whole file's clock has leapt, not this track's alone.
        """
        # A stamp that is the same again says nothing: some files stamp every packet with 0.
        repeated, self._stamp = stamp == self._stamp, stamp
        late = at - (stamp + self._offset)
        if repeated or -JITTER <= late <= _LATE or self._returns(stamp, at):
            return _GO_ON
        if late < 0:
            return self._gap(stamp, at, leap=leap)
        if self._gaps and self._is_wrong(at, late):
            return Step(undone=self._gaps.pop()[1])
        if late <= _OVERLAP and self._is_steady(at):
            return Step(overlap=late)
        return self._jump(stamp, at)

    def _is_steady(self, at: float) -> bool:
        """Whether a small correction at ``at`` is one of few."""
        self._strays = 0 if at - self._corrected >= _STEADY else self._strays + 1
        self._corrected = at
        return self._strays < _STRAYS

    def _returns(self, stamp: float, at: float) -> bool:
        """Whether an earlier clock goes on; then it is this one from now on."""
        for offset in reversed(self._earlier):
            if -JITTER <= at - (stamp + offset) <= _LATE:
                self._earlier.remove(offset)
                self._remember(offset)
                return True
        return False

    def _gap(self, stamp: float, at: float, *, leap: bool) -> Step:
        length = stamp + self._offset - at
        if leap or at + length > self._limit:
            return self._jump(stamp, at)
        if length < _OVERLAP and not self._is_steady(at):
            return self._jump(stamp, at)
        self._gaps.append((at + length, length))
        return Step(silence=length)

    def _is_wrong(self, at: float, late: float) -> bool:
        """Whether the stamps go on as if the latest gap had never been."""
        after, length = self._gaps[-1]
        return abs(late - length) <= JITTER and at - after < _MEMORY

    def _jump(self, stamp: float, at: float) -> Step:
        self.jumps += 1
        self._remember(at - stamp)
        return _GO_ON

    def _remember(self, offset: float) -> None:
        """Makes ``offset`` the clock's, and keeps the one that it takes the place of."""
        self._earlier = [*self._earlier[1 - _CLOCKS :], self._offset]
        self._offset = offset
