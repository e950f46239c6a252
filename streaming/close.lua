-- Mark the end of a node's stream, which takes no number: the n-th end after update 5 is entry 5-n.
--
-- KEYS  1 meta, 2 log, 3 channel
-- ARGV  1 epoch to use if none is known, 2 data_ttl

local meta, log, channel = KEYS[1], KEYS[2], KEYS[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local known = redis.call('HMGET', meta, 'epoch', 'seq', 'end', 'gone')
if known[4] then
  return redis.error_reply('GONE the node of this stream was deleted')
end
local epoch, sequence, ends = known[1], tonumber(known[2]) or 0, tonumber(known[3]) or 0
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', log)
end
-- A producer that closes again and again leaves one mark. It is a new one each time, because
-- subscribers that came after the last one are to be told, too.
if ends > 0 then
  redis.call('XDEL', log, sequence .. '-' .. ends)
end
ends = ends + 1
redis.call('XADD', log, sequence .. '-' .. ends, 'time', now, 'size', 0)
redis.call('HSET', meta, 'epoch', epoch, 'seq', sequence, 'end', ends, 'time', now)
redis.call('EXPIRE', meta, ARGV[2])
redis.call('EXPIRE', log, ARGV[2])
redis.call('PUBLISH', channel, epoch .. ' ' .. sequence .. '-' .. ends)
return {epoch, sequence}
