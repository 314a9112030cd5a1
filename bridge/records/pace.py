"""How long what waits will take: by the lengths of the recordings and the latest runs.

A run takes a while whatever it hears, and more for a longer recording. Both are fitted to the
latest runs by least squares (a line through seconds of audio and seconds of work); older runs
weigh less and less. So one long recording does not make short ones look long.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

KEPT = 0.9  # of the weight of all earlier runs, when one more ends
LOOKED_AT = 100  # lengths of what is ahead; those behind count as long as these are on average

# In CREATE and PLACE: rank, seconds known of how many, and the sums of the latest runs.
PLACE_OF: Final = f"""
local function place_of(unfinished, pace, record, id)
    local rank = redis.call('ZRANK', unfinished, id)
    if not rank then return {{}} end
    local known, count = 0, 0
    if rank > 0 then
        local last = math.min(rank, {LOOKED_AT}) - 1
        for _, one in ipairs(redis.call('ZRANGE', unfinished, 0, last)) do
            local seconds = tonumber(redis.pcall('HGET', record .. one, 'seconds') or '')
            if seconds then known, count = known + seconds, count + 1 end
        end
    end
    local sums = redis.call('HMGET', pace, 'runs', 'audio', 'took', 'squares', 'products')
    return {{rank, tostring(known), count, unpack(sums)}}
end
"""
# Keys: unfinished, pace, what a record's begins with. Argument: id.
PLACE: Final = f"{PLACE_OF} return place_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])"
# Key: pace. Arguments: seconds of audio, seconds of work, seconds to live.
OBSERVE: Final = f"""
local audio, took = tonumber(ARGV[1]), tonumber(ARGV[2])
local newest = {{
    runs = 1, audio = audio, took = took, squares = audio * audio, products = audio * took
}}
for name, value in pairs(newest) do
    local before = tonumber(redis.call('HGET', KEYS[1], name) or '0') or 0
    if before ~= before or before < 0 or before > 1e300 then before = 0 end
    redis.call('HSET', KEYS[1], name, string.format('%.17g', before * {KEPT} + value))
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""
# Key: record. Argument: seconds of audio. A record that expired meanwhile does not come back.
ADD_LENGTH: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'seconds', ARGV[1]) end
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Weighted sums over the latest runs: of their number, seconds of audio and of work."""

    runs: float
    audio: float
    took: float
    squares: float
    """Of the seconds of audio."""
    products: float
    """Of both."""

    def seconds(self, recordings: float, audio: float) -> float:
        """How long a number of recordings will take that are ``audio`` seconds long together."""
        each, share = self._line()
        return recordings * each + audio * share

    @property
    def usual(self) -> float:
        """The mean length of the recordings, in seconds."""
        return self.audio / self.runs

    def _line(self) -> tuple[float, float]:
        """Seconds of work for each recording, and for each second of audio."""
        spread = self.runs * self.squares - self.audio**2
        if self.audio <= 0:
            return self.took / self.runs, 0.0
        if spread <= 1e-6 * self.audio**2:  # all are as long: nothing tells the two apart
            return 0.0, self.took / self.audio
        share = (self.runs * self.products - self.audio * self.took) / spread
        each = (self.took - share * self.audio) / self.runs
        if share < 0:
            return self.took / self.runs, 0.0
        return (each, share) if each >= 0 else (0.0, self.took / self.audio)


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A place in the queue."""

    ahead: int
    """Unfinished predictions that were created before."""
    seconds: float | None
    """How long one slot works on them; None before the first run has ended."""

    @classmethod
    def read(cls, answer: Sequence[Any]) -> Self | None:
        """What `place_of` answers; None where the prediction has ended."""
        if not answer:
            return None
        ahead = int(answer[0])
        try:
            known, count = float(answer[1]), int(answer[2])
            pace = Pace(*map(float, answer[3:8]))
        except (TypeError, ValueError):
            return cls(ahead, None)
        if pace.runs <= 0:
            return cls(ahead, None)
        usual = known / count if count else pace.usual
        seconds = pace.seconds(ahead, known + (ahead - count) * usual)
        # What Redis adds up has no seal.
        return cls(ahead, seconds if math.isfinite(seconds) and seconds >= 0 else None)
