"""What Redis does in one step, in Lua: no crash and no other client comes in between."""

from typing import Final

# Neither a crowd of requests nor a crash in their middle can break the count.
CREATE: Final = """
local record, secrets, unfinished, all = unpack(KEYS)
local id, created, document, status, hidden, ttl, limit = unpack(ARGV)
if redis.call('EXISTS', record) == 1 then return 'exists' end
if redis.call('ZCARD', unfinished) >= tonumber(limit) then return 'full' end
redis.call('HSET', record, 'record', document, 'status', status)
redis.call('EXPIRE', record, ttl)
for _, index in ipairs({unfinished, all}) do
    redis.call('ZADD', index, created, id)
    redis.call('EXPIRE', index, ttl)
end
if hidden ~= '' then redis.call('SET', secrets, hidden, 'EX', ttl) end
return 'created'
"""
# Compare and set: of two writers that read the same record one is told to look again.
WRITE: Final = """
local record, secrets, unfinished, pending = unpack(KEYS)
local id, before, document, status, output, cancel, ttl, live_ttl, now, ended = unpack(ARGV)
if redis.call('HGET', record, 'record') ~= before then return 0 end
redis.call('HSET', record, 'record', document, 'status', status)
if output ~= '' then redis.call('HSET', record, 'output', output) end
if cancel ~= '' then redis.call('HSET', record, 'cancel', cancel) end
redis.call('EXPIRE', record, ttl)
for i = 11, #ARGV do
    redis.call('ZADD', pending, now, id .. ' ' .. ARGV[i])
    redis.call('EXPIRE', pending, live_ttl)
end
if ended ~= '' then
    redis.call('ZREM', unfinished, id)
    redis.call('DEL', secrets)
end
return 1
"""
