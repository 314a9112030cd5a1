"""Who comes next: what waits is admitted to docket a few at a time, by turns between tenants.

A line keeps, in Redis, each tenant's waiting predictions (oldest first) and those that were
admitted. Bridges tell how many slots they have; as many are admitted as all of them have together,
and `AHEAD` more, so that a slot that gets free finds its next task. The tenant whose last turn is
the longest ago comes next. All of it happens in one script, so bridges agree, and a crash leaves
nothing half done: what is admitted and not yet with docket is handed over again by the sweep.
"""

import asyncio
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys
from bridge.records.prediction import Prediction
from bridge.records.tenants import Key

AHEAD = 1  # admitted besides those that have a slot
ANNOUNCE_SECONDS = 5.0  # how often a bridge tells of its slots
_SILENT_SECONDS = 15  # after which a bridge's slots count no longer

# Keys: those of TURNS, what a record's begins with, and the tenants. Arguments: how many are
# admitted ahead, seconds to live, of a prediction that joins id, tenant and time of creation; the
# part of all slots that one of several tenants may hold; ids of those that leave.
# What has ended or is gone is dropped wherever it stands. Times are microseconds of Redis' clock.
_ADMIT: Final = """
local waiting, admitted, order, last, slots, record, tenants = unpack(KEYS)
local ahead, ttl, id, tenant, created, part = unpack(ARGV)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local given, touched = {}, {admitted, order, last}
local function lives(one)
    local status = redis.pcall('HGET', record .. one, 'status')
    return status == 'starting' or status == 'processing'
end
for index = 7, #ARGV do redis.call('ZREM', admitted, ARGV[index]) end
if id ~= '' then
    if redis.call('ZSCORE', admitted, id) then
        given[1] = id
    else
        redis.call('ZADD', waiting .. ':' .. tenant, 'NX', created, id)
        touched[4] = waiting .. ':' .. tenant
        if not redis.call('ZSCORE', order, tenant) then
            redis.call('ZADD', order, redis.call('ZSCORE', last, tenant) or '0', tenant)
        end
    end
end
for _, one in ipairs(redis.call('ZRANGE', admitted, 0, -1)) do
    -- What cannot be an id was put there by a stranger.
    if string.find(one, '[^%w_.-]') or not lives(one) then redis.call('ZREM', admitted, one) end
end
local held = {}
for _, one in ipairs(redis.call('ZRANGE', admitted, 0, -1)) do
    local owner = string.match(one, '^([^.]+)%.') or 'default'
    held[owner] = (held[owner] or 0) + 1
end
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
local room = 0
for _, bridge in ipairs(redis.call('ZRANGE', slots, 0, -1)) do
    room = room + (tonumber(string.match(bridge, ' (%d+)$')) or 0)
end
local most = math.huge
if tonumber(part) < 1 and redis.call('SCARD', tenants) > 0 then
    most = math.max(1, math.floor(room * tonumber(part)))
end
if room > 0 then room = room + ahead - redis.call('ZCARD', admitted) end
local function next_turn()
    for _, one in ipairs(redis.call('ZRANGE', order, 0, -1)) do
        if (held[one] or 0) < most then return one end
    end
end
while room > 0 do
    local turn = next_turn()
    if not turn then break end
    local popped = redis.call('ZPOPMIN', waiting .. ':' .. turn)[1]
    if not popped then
        redis.call('ZREM', order, turn)
    elseif lives(popped) then
        now = now + 1
        local moment = string.format('%.0f', now)
        redis.call('ZADD', admitted, moment, popped)
        redis.call('ZADD', last, moment, turn)
        redis.call('ZADD', order, moment, turn)
        given[#given + 1] = popped
        held[turn] = (held[turn] or 0) + 1
        room = room - 1
    end
end
for _, key in ipairs(touched) do redis.call('EXPIRE', key, ttl) end
return given
"""
# Key: slots. Arguments: the bridge with its slots, seconds that they count.
_ANNOUNCE: Final = """
local clock = redis.call('TIME')
local till = (tonumber(clock[1]) + tonumber(ARGV[2])) * 1000000 + tonumber(clock[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', till), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class Line:
    """Predictions that wait for the same kind of slot. Raises RedisError."""

    def __init__(self, redis: "Redis", name: str, part: float = 1.0) -> None:
        """``part`` of all slots may be held by one tenant, where there are several."""
        self._part: Final = part
        self._redis: Final = redis
        self.changed: Final = asyncio.Event()
        """Set when it is another one's turn."""
        self._gone: Final[set[str]] = set()
        self._slots: Final = keys.turn(name, "slots")
        self._admitted_key: Final = keys.turn(name, "admitted")
        self._keys: Final = [
            *(keys.turn(name, part) for part in keys.TURNS),
            keys.prediction(Key("")),
            keys.TENANTS,
        ]
        self._admit: Final = redis.register_script(_ADMIT)
        self._announce: Final = redis.register_script(_ANNOUNCE)

    async def join(self, prediction: Prediction) -> list[Key]:
        """Let a prediction wait for its turn; what is to be handed to docket now."""
        key = prediction.id
        return await self._admitted(key, key.tenant.name, prediction.created_at.timestamp())

    async def go_on(self) -> list[Key]:
        """What is to be handed to docket now."""
        return await self._admitted("", "", 0)

    async def admitted(self) -> list[Key]:
        """What was handed to docket and has not left."""
        found = await self._redis.zrange(self._admitted_key, 0, -1)
        return [Key(keys.text(entry)) for entry in found]

    def leave(self, key: str) -> None:
        """Make room: docket has done what was admitted."""
        self._gone.add(key)
        self.changed.set()

    async def announce(self, bridge: str, slots: int) -> None:
        """Count the bridge's slots for a while."""
        await self._announce(keys=[self._slots], args=[f"{bridge} {slots}", _SILENT_SECONDS])

    async def withdraw(self, bridge: str, slots: int) -> None:
        """Count the bridge's slots no longer."""
        await self._redis.zrem(self._slots, f"{bridge} {slots}")

    async def _admitted(self, key: str, tenant: str, created: float) -> list[Key]:
        gone = sorted(self._gone)
        found: Any = await self._admit(
            keys=self._keys,
            args=[AHEAD, keys.LIVE_TTL, key, tenant, created, self._part, *gone],
        )
        self._gone.difference_update(gone)
        return [Key(keys.text(entry)) for entry in found]
