"""What Redis does in one step, in Lua: no crash and no other client comes in between.

Each reads what it writes first: where a key holds another type (`key_types`), nothing is written.
"""

from typing import Final

from bridge.records.limit_scripts import TAKE
from bridge.records.pace import PLACE_OF

# Neither a crowd of requests nor a crash in their middle can break the count.
CREATE: Final = f"""{TAKE}{PLACE_OF}
local record, secrets, unfinished, all, pace, kept, tenants, records = unpack(KEYS)
local of_key, day, bytes = unpack(KEYS, 9)
local id, created, document, status, hidden, ttl, limit, tenant, key_id, long = unpack(ARGV)
if redis.call('EXISTS', record) == 1 then return {{'exists'}} end
if redis.call('ZCARD', unfinished) >= tonumber(limit) then return {{'full'}} end
redis.call('ZCARD', all)
redis.call('SCARD', tenants)
if key_id ~= '' then
    local reached = take(record, of_key, day, bytes, {{unpack(ARGV, 11)}})
    if reached then return reached end
end
redis.call('HSET', record, 'record', document, 'status', status)
if long ~= '' then redis.call('HSET', record, 'seconds', long) end
redis.call('EXPIRE', record, ttl)
for _, index in ipairs({{unfinished, all}}) do redis.call('ZADD', index, created, id) end
redis.call('EXPIRE', unfinished, ttl)
-- The list lives as long as what it lists.
if redis.call('EXISTS', kept) == 0 then redis.call('EXPIRE', all, ttl) end
if hidden ~= '' then redis.call('SET', secrets, hidden, 'EX', ttl) end
if tenant ~= '' then redis.call('SADD', tenants, tenant) end
return {{'created', unpack(place_of(unfinished, pace, records, id), 1, 8)}}
"""
# Compare and set: of two writers that read the same record one has to read it again.
# Publishing may be forbidden to this user of Redis (pcall): then those who wait look by themselves.
WRITE: Final = """
local record, secrets, unfinished, pending, segments, batches = unpack(KEYS)
local id, before, document, status, output = unpack(ARGV)
local ttl, live_ttl, now, ended, channel = unpack(ARGV, 6)
if redis.call('HGET', record, 'record') ~= before then return 0 end
redis.call('ZCARD', pending)
redis.call('ZCARD', unfinished)
redis.call('HSET', record, 'record', document, 'status', status)
if output ~= '' then redis.call('HSET', record, 'output', output) end
redis.call('EXPIRE', record, ttl)
for i = 11, #ARGV do
    redis.call('ZADD', pending, now, id .. ' ' .. ARGV[i])
    redis.call('EXPIRE', pending, live_ttl)
end
if ended ~= '' then
    redis.call('ZREM', unfinished, id)
    redis.call('DEL', secrets, batches)
    redis.call('EXPIRE', segments, ttl)
end
redis.pcall('PUBLISH', channel, id)
return 1
"""
# Keys: record, segments, batches. Arguments: id, channel, number of the run, number of the first
# segment, seconds to live, how many segments, segments, and batches, each after its first window's
# number. What comes again is written again, the same. A newer run goes on at its first segment:
# what an older one had found behind it is gone.
ADD_HEARD: Final = """
local record, segments, batches = unpack(KEYS)
local id, channel = ARGV[1], ARGV[2]
local attempt, first, ttl, count = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local status = redis.call('HGET', record, 'status')
if status ~= 'starting' and status ~= 'processing' then return end
local known = tonumber(redis.call('HGET', segments, 'attempt') or '0') or 0
if attempt < known then return end
if attempt > known then
    for _, name in ipairs(redis.call('HKEYS', segments)) do
        if name ~= 'attempt' and (tonumber(name) or first) >= first then
            redis.call('HDEL', segments, name)
        end
    end
end
redis.call('HSET', segments, 'attempt', attempt)
for index = 1, count do redis.call('HSET', segments, first + index - 1, ARGV[6 + index]) end
for index = 7 + count, #ARGV, 2 do redis.call('HSET', batches, ARGV[index], ARGV[index + 1]) end
for _, key in ipairs({segments, batches}) do redis.call('EXPIRE', key, ttl) end
redis.pcall('PUBLISH', channel, id)
"""
# Key: record. A record that expired meanwhile does not come back.
ADD_PEAKS: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'peaks', ARGV[1]) end
"""
# What SAVE_REVISION answers besides the number of the new revision.
CONFLICT: Final = 0
FULL: Final = -1
# Keys: record, kept, all. Of two who corrected the same revision the second is refused.
SAVE_REVISION: Final = f"""
local record, kept, all = unpack(KEYS)
local id, corrected, edits, output, saved_at, now, limit = unpack(ARGV)
if redis.call('HGET', record, 'status') ~= 'succeeded' then return {CONFLICT} end
local number = redis.call('HGET', record, 'revision') or '0'
if number ~= corrected then return {CONFLICT} end
local full = redis.call('ZCARD', kept) >= tonumber(limit)
if number == '0' and full then return {FULL} end
number = tonumber(number) + 1
redis.call('HSET', record, 'revision', number, 'edits', edits, 'revised', output,
    'saved_at', saved_at)
redis.call('ZADD', kept, now, id)
redis.call('PERSIST', record)
redis.call('PERSIST', all)
return number
"""
# Arguments: field, the value that was read, the one in its place. Nobody's change is undone.
REPLACE_FIELD: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
# The same for a key that is a string.
REPLACE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
"""
