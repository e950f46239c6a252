-- Evict the oldest updates of one stream, because Redis is full.
--
-- KEYS  1 meta, 2 log, 3 prefix of payload keys
-- ARGV  1 time up to which entries may be evicted, 2 maximum number of entries,
--       3 how many bytes are enough
-- Returns {bytes freed, 1 if there may be more to evict up to that time}.

local meta, log, payload = KEYS[1], KEYS[2], KEYS[3]
local cutoff, most, enough = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', meta, 'epoch', 'bytes', 'evicted_to')
if not known[1] then
  return {0, 0}
end
local freed, last, oldest, count = 0, nil, nil, 0
while count < most and freed < enough do
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  oldest = head and tonumber(head[2][2])
  if not head or oldest > cutoff then
    break
  end
  last = string.match(head[1], '^%d+')
  if head[2][5] == 'head' then
    -- UNLINK frees a string at once, as DEL does: the caller retries as soon as memory is free.
    redis.call('UNLINK', payload .. known[1] .. ':' .. last)
  end
  redis.call('XDEL', log, head[1])
  freed = freed + tonumber(head[2][4])
  count = count + 1
end
if last then
  redis.call('HSET', meta, 'bytes', math.max(0, (tonumber(known[2]) or 0) - freed),
    'first', last + 1, 'evicted_to', math.max(last, tonumber(known[3]) or 0))
  if oldest then
    redis.call('HSET', meta, 'oldest', oldest)
  end
end
return {freed, count == most and 1 or 0}
