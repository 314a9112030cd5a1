"""The limits of keys in Lua: what is counted and what is refused, in one step."""

from typing import Final

# Key: times of the key's latest requests. Argument: how many there may be in any second.
# Answers whether this one may pass, how many more may now, and after how many microseconds.
REQUEST: Final = """
local quota, second = tonumber(ARGV[1]), 1000000
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * second + tonumber(clock[2])
local function oldest() return tonumber(redis.call('LINDEX', KEYS[1], -1) or '0') or 0 end
-- No time of ours is ahead of the clock.
while redis.call('LLEN', KEYS[1]) > 0 and not (oldest() > now - second and oldest() <= now) do
    redis.call('RPOP', KEYS[1])
end
local used = redis.call('LLEN', KEYS[1])
if used >= quota then return {0, 0, oldest() + second - now} end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], 2000)
return {1, quota - used - 1, oldest() + second - now}
"""
# What CREATE and CHARGE have in common: `take` counts what a name takes, or says what is reached.
# `unfinished` is a set of ids, `day` the seconds of today, `bytes` a hash of sizes by name: an id,
# or the Redis key of an uploaded file. Where a bound is '', nothing is refused for it.
TAKE: Final = """
local function amount(text)
    local found = tonumber(text or '0') or 0
    return (found > 0 and found < 1e18) and found or 0
end
local function status(id)
    local found = redis.pcall('HGET', 'prediction:' .. id, 'status')
    return type(found) == 'string' and found or ''
end
local function waits(id)
    local found = status(id)
    return found == 'starting' or found == 'processing'
end
local function held(name, kept)
    if string.sub(name, 1, 5) == 'file:' then return redis.call('EXISTS', name) == 1 end
    return waits(name) or (kept == '1' and status(name) == 'succeeded')
end
local function count(unfinished, most)
    if redis.call('SCARD', unfinished) >= most then
        for _, id in ipairs(redis.call('SMEMBERS', unfinished)) do
            if not waits(id) then redis.call('SREM', unfinished, id) end
        end
    end
    return redis.call('SCARD', unfinished)
end
local function today(day)
    local now = tonumber(redis.call('TIME')[1])
    local number = math.floor(now / 86400)
    if redis.call('HGET', day, 'number') ~= tostring(number) then
        redis.call('DEL', day)
        redis.call('HSET', day, 'number', number)
        redis.call('EXPIRE', day, 2 * 86400)
    end
    return amount(redis.call('HGET', day, 'seconds')), (number + 1) * 86400 - now
end
local function total(bytes, room, kept)
    local sum, entries = 0, redis.call('HGETALL', bytes)
    for i = 2, #entries, 2 do sum = sum + amount(entries[i]) end
    for i = 1, #entries, 2 do
        if sum <= room then break end
        if not held(entries[i], kept) then
            redis.call('HDEL', bytes, entries[i])
            sum = sum - amount(entries[i + 1])
        end
    end
    return sum
end
local function take(record, unfinished, day, bytes, arguments)
    local name, joins, most, most_seconds, most_bytes, seconds, size, kept = unpack(arguments)
    local charged = amount(record ~= '' and redis.call('HGET', record, 'charged'))
    local used, left = today(day)
    local more = seconds == '' and 0 or math.max(0, tonumber(seconds) - charged)
    if joins == '1' and most ~= '' and count(unfinished, tonumber(most)) >= tonumber(most) then
        return {'limit', 'unfinished', most, 0}
    end
    if most_seconds ~= '' and (more > 0 or seconds == '') then
        local over = used + more - tonumber(most_seconds)
        if over > 0 or (seconds == '' and over == 0) then
            return {'limit', 'minutes', tostring(used / 60), left}
        end
    end
    if most_bytes ~= '' and tonumber(size) > 0 then
        local sum = total(bytes, tonumber(most_bytes) - tonumber(size), kept)
        if sum + tonumber(size) > tonumber(most_bytes) then
            return {'limit', 'bytes', tostring(sum), 0}
        end
    end
    if joins == '1' then redis.call('SADD', unfinished, name) end
    if more > 0 then
        redis.call('HSET', day, 'seconds', string.format('%.17g', used + more))
        if record ~= '' then redis.call('HSET', record, 'charged', seconds) end
    end
    if tonumber(size) > 0 then redis.call('HSET', bytes, name, size) end
    for _, key in ipairs({unfinished, bytes}) do redis.call('EXPIRE', key, 30 * 86400) end
end
"""
# Keys: record, unfinished, day, bytes. Arguments: whether there has to be a record, and those of
# `take`.
CHARGE: Final = f"""{TAKE}
local record, unfinished, day, bytes = unpack(KEYS)
local needs = ARGV[1] == '1'
if needs and redis.call('EXISTS', record) == 0 then return {{}} end
return take(needs and record or '', unfinished, day, bytes, {{unpack(ARGV, 2)}}) or {{}}
"""
