"""What the adapter of docket does in Redis in one step, in Lua."""

from typing import Final

# Keys: stream, the key's state. Arguments: group, id and generation of the message, whether it was
# taken from a worker. The state's key is free for another task only if the message was its own: one
# that merely names the key of a task that waits or runs changes nothing about that.
DROP: Final = """
local stream, run = unpack(KEYS)
local group, id, generation, again = unpack(ARGV)
redis.call('XACK', stream, group, id)
redis.call('XDEL', stream, id)
if redis.call('TYPE', run).ok ~= 'hash' then return end
local state, message, current =
    unpack(redis.call('HMGET', run, 'state', 'stream_id', 'generation'))
local waited = state == 'queued' and (not message or message == id)
local ran = state == 'running' and again == '1' and current == generation
if waited or ran then
    redis.call('HDEL', run, 'known', 'stream_id')
    redis.call('HSET', run, 'state', 'failed')
    redis.call('EXPIRE', run, 900)
end
"""
# Keys: queue of what waits for its time, stream. Arguments: now, the docket's name, how many at
# once. Docket's own script stops for good at an entry that is not whole; this one removes it.
MOVE_DUE: Final = """
local queue, stream = unpack(KEYS)
local now, prefix, most = unpack(ARGV)
local names = {'key', 'when', 'function', 'args', 'kwargs', 'attempt', 'generation'}
local refused = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, most)) do
    local parked, run = prefix .. ':' .. key, prefix .. ':runs:' .. key
    local knows_run = redis.call('TYPE', run).ok == 'hash'
    local fields, whole = {}, redis.call('TYPE', parked).ok == 'hash'
    if whole then
        for i, value in ipairs(redis.call('HMGET', parked, unpack(names))) do
            whole = whole and value
            fields[2 * i - 1], fields[2 * i] = names[i], value
        end
    end
    if whole and fields[2] == key then
        redis.call('XADD', stream, '*', unpack(fields))
        redis.call('DEL', parked)
        if knows_run then redis.call('HSET', run, 'state', 'queued') end
    else
        refused[#refused + 1] = key
        if knows_run and redis.call('HGET', run, 'state') == 'scheduled' then
            redis.call('HDEL', run, 'known')
            redis.call('HSET', run, 'state', 'failed')
            redis.call('EXPIRE', run, 900)
        end
    end
    redis.call('ZREM', queue, key)
end
return refused
"""
