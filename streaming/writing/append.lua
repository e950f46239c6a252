-- Assign a number to an update and append it to its node's stream, in one step.
--
-- KEYS  1 meta, 2 log, 3 prefix of payload keys, 4 channel, 5 staged payload
-- ARGV  1 epoch to use if none is known, 2 message up to its sequence, 3 message after its epoch,
--       4 size in bytes, 5 data_ttl, 6 seq_ttl, 7 maximum bytes of the whole stream,
--       8 "frame"; "head" if the payload is staged under KEYS[5]; "lost" if its content is lost,
--       9 token of the write if it was persisted; "once:" and the token of the request if it was
--       not, and may be repeated; else ""
--       and if it comes from the outbox:
--       10 token that the last persisted write before it has in this stream,
--       11 token under which it was tried before, or "", 12 how many updates are lost
-- Returns {epoch, sequence}. For a token that it has seen it returns the same, and does nothing.
--
-- State of the stream            what happens
-- the node was deleted           error GONE
-- the token is the last one, or  {epoch, sequence}; nothing is appended
--   settled, or once
-- from the outbox, but the last  error AHEAD: another entry came first, or Redis was emptied
--   token is not ARGV[10]
-- no epoch                       a new numbering begins, under ARGV[1]
-- an epoch, but no log           the log expired or was evicted: numbers continue, and the numbers
--                                before were evicted if data_ttl is not over
-- an epoch and a log             append; remove what is expired or over the limit

-- Limits of updates within their notifications, in bytes: of one update, in a burst, and in the
-- long run for each millisecond.
local MAX_INLINE, MAX_INLINE_BURST, INLINE_PER_MS = 16384, 262144, 16384

local meta, log, payload, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local size, data_ttl, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[7])
local kind, token, waited = ARGV[8], ARGV[9], ARGV[10]
local once = string.match(token, '^once:(.+)$')
if once then
  token = ''
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local known = redis.call('HMGET', meta, 'epoch', 'seq', 'bytes', 'oldest', 'large', 'gone', 'time',
  'first', 'evicted_to', 'token', 'settled', 'told', 'once')
local last, settled, passed = known[10] or '', known[11] or '', known[13] or ''

local refusal
if known[6] then
  refusal = redis.error_reply('GONE the node of this stream was deleted')
elseif token ~= '' and (last == token or string.find(settled, token, 1, true)) then
  refusal = {known[1], tonumber(known[2])}
elseif once and string.find(passed, once, 1, true) then
  refusal = {known[1], tonumber(known[2])}
elseif waited and waited ~= last then
  refusal = redis.error_reply('AHEAD the stream is further on than was thought')
end
if refusal then
  if kind == 'head' then
    redis.call('UNLINK', KEYS[5])
  end
  return refusal
end

local epoch, there = known[1], redis.call('EXISTS', log) == 1
if not epoch then
  epoch = ARGV[1]
  if there then
    -- UNLINK, as in all scripts: Redis frees a long log in the background, not while other clients wait
    -- for this script. A payload is a string, which it frees at once.
    redis.call('UNLINK', log)
    there = false
  end
end
local sequence = (tonumber(known[2]) or 0) + (tonumber(ARGV[12]) or 1)
local large, evicted_to = tonumber(known[5]) or 0, tonumber(known[9]) or 0
-- Times never decrease along the log, even after a failover to a Redis whose clock is behind:
-- since.lua searches by time.
local before = tonumber(known[7]) or 0
now = math.max(now, before)
if kind == 'head' then
  -- The staged payload is renamed, not copied. Eviction may have removed it since it was sent.
  local moved = redis.pcall('RENAME', KEYS[5], payload .. epoch .. ':' .. sequence)
  if moved.err then
    return redis.error_reply('SHED memory was so short that the payload is gone again')
  end
  large = sequence
end

local horizon, dropped = now - data_ttl * 1000, 0
local bytes, oldest = tonumber(known[3]) or 0, tonumber(known[4]) or now
local first = tonumber(known[8]) or sequence
if not there then
  bytes, oldest, first = 0, now, sequence
  if before > horizon then
    evicted_to = tonumber(known[2]) or 0
  end
end
-- At most 16 at a time, so that no single write pays for a long history. That is still faster than
-- it grows, by one entry per write.
while dropped < 16 and (oldest <= horizon or bytes + size > limit) do
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not head then
    bytes, oldest, first = 0, now, sequence
    break
  end
  oldest = tonumber(head[2][2])
  if oldest > horizon and bytes + size <= limit then
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

local content = ARGV[12]
if kind ~= 'lost' then
  content = ARGV[2] .. cmsgpack.pack(sequence)
    .. '\165epoch' .. string.char(160 + #epoch) .. epoch .. ARGV[3]
end
redis.call('XADD', log, sequence .. '-0', 'time', now, 'size', size, kind, content)
-- A short update is published with its notification, which saves each reader a request. The rate is
-- limited to what readers can take in: Redis disconnects a client whose output buffer exceeds 32 MB.
local told = math.max((tonumber(known[12]) or 0) - (now - before) * INLINE_PER_MS, 0)
local news = epoch .. ' ' .. sequence .. '-0'
if kind == 'frame' and #content <= MAX_INLINE and told <= MAX_INLINE_BURST then
  told = told + #content
  news = news .. ' ' .. now .. ' ' .. evicted_to .. ' ' .. content
end
redis.call('HSET', meta, 'epoch', epoch, 'seq', sequence, 'end', 0, 'time', now,
  'bytes', math.max(bytes, 0) + size, 'oldest', oldest, 'large', large,
  'first', first, 'evicted_to', evicted_to, 'token', token == '' and last or token,
  'told', string.format('%.0f', told))
if waited and ARGV[11] ~= '' then
  -- The first attempt may still be on its way. When it arrives its token has to be known: the last
  -- 32 such tokens are.
  redis.call('HSET', meta, 'settled', string.sub(ARGV[11] .. ' ' .. settled, 1, 32 * (#token + 1)))
end
if once then
  redis.call('HSET', meta, 'once', string.sub(once .. ' ' .. passed, 1, 32 * (#once + 1)))
end
redis.call('EXPIRE', meta, ARGV[6])
redis.call('EXPIRE', log, data_ttl)
redis.call('PUBLISH', channel, news)
return {epoch, sequence}
