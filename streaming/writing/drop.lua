-- Take away the stream of a node that was deleted, and tell who watches it.
--
-- KEYS  1 meta, 2 log, 3 channel
-- ARGV  1 data_ttl
-- Gives {epoch, oldest, newest}: the range in which updates with a payload key may be; or nothing.

local meta, log, channel = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', meta, 'epoch', 'large')
local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
redis.call('UNLINK', meta, log)
-- The mark stays for whoever is just writing or subscribing, or could not hear of the deletion.
redis.call('HSET', meta, 'gone', 1)
redis.call('EXPIRE', meta, ARGV[1])
redis.call('PUBLISH', channel, 'gone')
if known[1] and head and tonumber(known[2] or 0) > 0 then
  return {known[1], tonumber(string.match(head[1], '^%d+')), tonumber(known[2])}
end
return {}
