-- The number of the first update made at or after a moment: entries are in the order of their times.
--
-- KEYS  1 log
-- ARGV  1 the moment, in milliseconds
-- Gives {oldest, found}: the oldest number that is kept, and the one looked for; 0 where none is.

local function at(from, to)
  return redis.call('XRANGE', KEYS[1], from, to, 'COUNT', 1)[1]
end

local head = at('-', '+')
if not head then
  return {0, 0}
end
local moment = tonumber(ARGV[1])
local oldest = tonumber(string.match(head[1], '^%d+'))
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local low, high = oldest, tonumber(string.match(newest[1], '^%d+')) + 1
-- Everything below `low` is older; whatever is at `high` or above is not.
while low < high do
  local middle = math.floor((low + high) / 2)
  local entry = at(string.format('%.0f-0', middle), '+')
  if entry and tonumber(entry[2][2]) < moment then
    low = tonumber(string.match(entry[1], '^%d+')) + 1
  else
    high = middle
  end
end
local found = at(string.format('%.0f-0', low), '+')
if found and not string.match(found[1], '%-0$') then
  -- An end whose update was shed.
  found = at(string.format('%.0f-0', low + 1), '+')
end
return {oldest, found and tonumber(string.match(found[1], '^%d+')) or 0}
