-- Number an update and add it to its node's stream, in one step.
--
-- KEYS  1 meta, 2 log, 3 what payload keys begin with, 4 channel, 5 staged payload
-- ARGV  1 epoch to use if none is known, 2 message up to its sequence, 3 message after its epoch,
--       4 size in bytes, 5 data_ttl, 6 seq_ttl, 7 most bytes of the whole stream,
--       8 "staged" if the payload waits under KEYS[5], else ""
-- Gives {epoch, sequence}.

local meta, log, payload, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local size, data_ttl, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[7])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local known = redis.call('HMGET', meta, 'epoch', 'seq', 'bytes', 'oldest', 'large', 'gone')
if known[6] then
  return redis.error_reply('GONE the node of this stream was deleted')
end
local epoch = known[1]
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', log)
end
local sequence = (tonumber(known[2]) or 0) + 1
local large = tonumber(known[5]) or 0
if ARGV[8] == 'staged' then
  -- Fails, and nothing has happened, if memory was so short that the payload is gone again.
  redis.call('RENAME', KEYS[5], payload .. epoch .. ':' .. sequence)
  large = sequence
end

local bytes, oldest = tonumber(known[3]) or 0, tonumber(known[4]) or now
if redis.call('EXISTS', log) == 0 then
  bytes, oldest = 0, now
end
-- A few at a time, so that no writer pays for a long history; it still shrinks faster than it grows.
local horizon, dropped = now - data_ttl * 1000, 0
while dropped < 16 and (oldest <= horizon or bytes + size > limit) do
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not head then
    bytes, oldest = 0, now
    break
  end
  oldest = tonumber(head[2][2])
  if oldest > horizon and bytes + size <= limit then
    break
  end
  bytes = bytes - tonumber(head[2][4])
  if head[2][5] == 'head' then
    redis.call('UNLINK', payload .. epoch .. ':' .. string.match(head[1], '^%d+'))
  end
  redis.call('XDEL', log, head[1])
  dropped = dropped + 1
end

local message = ARGV[2] .. cmsgpack.pack(sequence)
  .. '\165epoch' .. string.char(160 + #epoch) .. epoch .. ARGV[3]
redis.call('XADD', log, sequence .. '-0', 'time', now, 'size', size,
  ARGV[8] == 'staged' and 'head' or 'frame', message)
redis.call('HSET', meta, 'epoch', epoch, 'seq', sequence, 'end', 0, 'time', now,
  'bytes', math.max(bytes, 0) + size, 'oldest', oldest, 'large', large)
redis.call('EXPIRE', meta, ARGV[6])
redis.call('EXPIRE', log, data_ttl)
redis.call('PUBLISH', channel, epoch .. ' ' .. sequence .. '-0')
return {epoch, sequence}
