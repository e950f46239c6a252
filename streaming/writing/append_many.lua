-- Assign numbers to updates of one node and append them to its stream, all or none, in one step.
--
-- KEYS  1 meta, 2 log, 3 prefix of payload keys, 4 channel, and the staged payloads in the order of
--       their updates
-- ARGV  1 epoch to use if none is known, 2 data_ttl, 3 seq_ttl, 4 maximum bytes of the whole stream,
--       5 ID of the producer if the updates are not persisted, else "",
--       6 token that the last persisted write before these must have in the stream, or "-" for any,
--       and for each update:
--       1 message up to its sequence, 2 message after its epoch, 3 size in bytes,
--       4 "frame", or "head" if its payload is staged,
--       5 token of its write; of an update that is not persisted, its sequence of the producer
-- Returns {epoch, sequence of the last update, number of updates appended}.
--
-- The states are those of append.lua, and also:
--
-- State of the stream             what happens
-- the token of the last update    all are in the stream: {epoch, sequence, 0}; nothing is appended
--   is the last or settled
-- that of another update is       error AHEAD: the outbox has appended the first ones, and will continue
-- the producer is known           updates up to its sequence in the stream are skipped

-- As in append.lua.
local MAX_INLINE, MAX_INLINE_BURST, INLINE_PER_MS = 16384, 262144, 16384
-- Producers that a stream knows; the one that is new the longest is forgotten first.
local MAX_PRODUCERS = 64
local FIRST, FIELDS = 7, 5

local meta, log, payload, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local data_ttl, limit = tonumber(ARGV[2]), tonumber(ARGV[4])
local producer, waited = ARGV[5], ARGV[6]
local unstored = producer ~= ''
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local known = redis.call('HMGET', meta, 'epoch', 'seq', 'bytes', 'oldest', 'large', 'gone', 'time',
  'first', 'evicted_to', 'token', 'settled', 'told', unstored and 'by:' .. producer or 'token')
local last, settled = known[10] or '', known[11] or ''
local done = unstored and tonumber(known[13]) or 0

local refusal
if known[6] then
  refusal = redis.error_reply('GONE the node of this stream was deleted')
elseif not unstored then
  local ahead = waited ~= '-' and waited ~= last
  for at = FIRST, #ARGV, FIELDS do
    local token = ARGV[at + 4]
    if token == last or string.find(settled, token, 1, true) then
      ahead = true
      if at + FIELDS > #ARGV then
        refusal = {known[1], tonumber(known[2]), 0}
      end
    end
  end
  if not refusal and ahead then
    refusal = redis.error_reply('AHEAD the stream is further on than was thought')
  end
elseif tonumber(ARGV[#ARGV]) <= done then
  refusal = {known[1], tonumber(known[2]), 0}
end
-- Eviction may have removed a staged payload since it was sent.
local staged = 5
if not refusal then
  for key = staged, #KEYS do
    if redis.call('EXISTS', KEYS[key]) == 0 then
      refusal = redis.error_reply('SHED memory was so short that the payload is gone again')
    end
  end
end
if refusal then
  if #KEYS >= staged then
    redis.call('UNLINK', unpack(KEYS, staged))
  end
  return refusal
end

local epoch, there = known[1], redis.call('EXISTS', log) == 1
if not epoch then
  epoch = ARGV[1]
  if there then
    redis.call('UNLINK', log)
    there = false
  end
end
local sequence, before = tonumber(known[2]) or 0, tonumber(known[7]) or 0
local large, evicted_to = tonumber(known[5]) or 0, tonumber(known[9]) or 0
now = math.max(now, before)
local total, count = 0, 0
for at = FIRST, #ARGV, FIELDS do
  if not unstored or tonumber(ARGV[at + 4]) > done then
    total, count = total + tonumber(ARGV[at + 2]), count + 1
  end
end

local horizon, dropped = now - data_ttl * 1000, 0
local bytes, oldest = tonumber(known[3]) or 0, tonumber(known[4]) or now
local first = tonumber(known[8]) or sequence + 1
if not there then
  bytes, oldest, first = 0, now, sequence + 1
  if before > horizon then
    evicted_to = sequence
  end
end
while dropped < 16 * count and (oldest <= horizon or bytes + total > limit) do
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not head then
    bytes, oldest, first = 0, now, sequence + 1
    break
  end
  oldest = tonumber(head[2][2])
  if oldest > horizon and bytes + total <= limit then
    break
  end
  local number = string.match(head[1], '^%d+')
  bytes, first = bytes - tonumber(head[2][4]), number + 1
  if oldest > horizon then
    evicted_to = tonumber(number)
  end
  if head[2][5] == 'head' then
    redis.call('UNLINK', payload .. epoch .. ':' .. number)
  end
  redis.call('XDEL', log, head[1])
  dropped = dropped + 1
end

local told = math.max((tonumber(known[12]) or 0) - (now - before) * INLINE_PER_MS, 0)
local named, inline, token = '\165epoch' .. string.char(160 + #epoch) .. epoch, true, last
for at = FIRST, #ARGV, FIELDS do
  local kind, mark = ARGV[at + 3], ARGV[at + 4]
  if unstored and tonumber(mark) <= done then
    if kind == 'head' then
      redis.call('UNLINK', KEYS[staged])
      staged = staged + 1
    end
  else
    sequence = sequence + 1
    if kind == 'head' then
      redis.call('RENAME', KEYS[staged], payload .. epoch .. ':' .. sequence)
      staged, large = staged + 1, sequence
    end
    local content = ARGV[at] .. cmsgpack.pack(sequence) .. named .. ARGV[at + 1]
    redis.call('XADD', log, sequence .. '-0', 'time', now, 'size', ARGV[at + 2], kind, content)
    if inline and kind == 'frame' and #content <= MAX_INLINE and told <= MAX_INLINE_BURST then
      told = told + #content
      redis.call('PUBLISH', channel, epoch .. ' ' .. sequence .. '-0 ' .. now .. ' ' .. evicted_to
        .. ' ' .. content)
    else
      -- Readers fetch this one, and with it those after it.
      inline = false
    end
    if not unstored then
      token = mark
    end
  end
end
redis.call('HSET', meta, 'epoch', epoch, 'seq', sequence, 'end', 0, 'time', now,
  'bytes', math.max(bytes, 0) + total, 'oldest', oldest, 'large', large,
  'first', first, 'evicted_to', evicted_to, 'token', token, 'told', string.format('%.0f', told))
if unstored then
  redis.call('HSET', meta, 'by:' .. producer, ARGV[#ARGV])
  if not known[13] then
    -- Names of producers have no space.
    local names = (redis.call('HGET', meta, 'producers') or '') .. producer .. ' '
    local _, number = string.gsub(names, ' ', '')
    if number > MAX_PRODUCERS then
      local oldest_name = string.match(names, '^[^ ]+')
      redis.call('HDEL', meta, 'by:' .. oldest_name)
      names = string.sub(names, #oldest_name + 2)
    end
    redis.call('HSET', meta, 'producers', names)
  end
end
redis.call('EXPIRE', meta, ARGV[3])
redis.call('EXPIRE', log, data_ttl)
if not inline then
  redis.call('PUBLISH', channel, epoch .. ' ' .. sequence .. '-0')
end
return {epoch, sequence, count}
