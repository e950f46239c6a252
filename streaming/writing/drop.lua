-- Remove the stream of a node that was deleted, and notify its readers.
--
-- KEYS  1 meta, 2 log, 3 channel
-- ARGV  1 data_ttl
-- Returns {epoch, oldest, newest}: the range of numbers that may have a payload key; or {}.

local meta, log, channel = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', meta, 'epoch', 'large')
local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
redis.call('UNLINK', meta, log)
-- The mark stays for clients that are just writing or subscribing, and for readers that miss the
-- notification.
redis.call('HSET', meta, 'gone', 1)
redis.call('EXPIRE', meta, ARGV[1])
redis.call('PUBLISH', channel, 'gone')
if known[1] and head and tonumber(known[2] or 0) > 0 then
  return {known[1], tonumber(string.match(head[1], '^%d+')), tonumber(known[2])}
end
return {}
