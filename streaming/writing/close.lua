-- Mark the end of a node's stream. It takes no number: the n-th end after update 5 is entry 5-n.
--
-- KEYS  1 meta, 2 log, 3 channel
-- ARGV  1 epoch to use if none is known, 2 data_ttl,
--       3 token of the request or of the entry in the outbox, or ""
--       and if it comes from the outbox:
--       4 token that the last persisted write before it has in this stream
-- Returns {epoch, sequence}. For a token that it has seen it returns the same, and marks no end.
-- The states are those of append.lua.

local meta, log, channel = KEYS[1], KEYS[2], KEYS[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local known = redis.call('HMGET', meta, 'epoch', 'seq', 'end', 'gone', 'time', 'token', 'once')
if known[4] then
  return redis.error_reply('GONE the node of this stream was deleted')
end
local last, passed, token, waited = known[6] or '', known[7] or '', ARGV[3], ARGV[4]
if token ~= '' and (token == last or string.find(passed, token, 1, true)) then
  if waited and waited == last then
    -- The entry behind it in the outbox is appended only behind this token.
    redis.call('HSET', meta, 'token', token)
  end
  return {known[1], tonumber(known[2])}
elseif waited and waited ~= last then
  return redis.error_reply('AHEAD the stream is further on than was thought')
end
local epoch, sequence, ends = known[1], tonumber(known[2]) or 0, tonumber(known[3]) or 0
local there = redis.call('EXISTS', log) == 1
if not epoch then
  epoch = ARGV[1]
  if there then
    redis.call('UNLINK', log)
    there = false
  end
end
local before = tonumber(known[5]) or 0
now = math.max(now, before)
if not there then
  -- The log was evicted, or has expired.
  redis.call('HSET', meta, 'bytes', 0, 'oldest', now, 'first', sequence + 1)
  if before > now - ARGV[2] * 1000 then
    redis.call('HSET', meta, 'evicted_to', sequence)
  end
end
-- A producer that closes repeatedly leaves one mark, so that the log does not grow. It is a new one
-- each time, because it has to reach subscribers that joined after the last one.
if ends > 0 then
  redis.call('XDEL', log, sequence .. '-' .. ends)
end
ends = ends + 1
redis.call('XADD', log, sequence .. '-' .. ends, 'time', now, 'size', 0)
redis.call('HSET', meta, 'epoch', epoch, 'seq', sequence, 'end', ends, 'time', now,
  'token', waited and token or last)
if token ~= '' then
  redis.call('HSET', meta, 'once', string.sub(token .. ' ' .. passed, 1, 32 * (#token + 1)))
end
redis.call('EXPIRE', meta, ARGV[2])
redis.call('EXPIRE', log, ARGV[2])
redis.call('PUBLISH', channel, epoch .. ' ' .. sequence .. '-' .. ends)
return {epoch, sequence}
