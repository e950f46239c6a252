-- Find the first update made at or after a time, by binary search: times never decrease in a log.
--
-- KEYS  1 log
-- ARGV  1 time in milliseconds since 1970
-- Returns {oldest, found}: the oldest number retained, and the one found; 0 if there is none.

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
-- Invariant: everything below `low` is older, nothing from `high` on is. Numbers may be missing.
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
  -- An end whose update was evicted: the first update after it.
  found = at(string.format('%.0f-0', low + 1), '+')
end
return {oldest, found and tonumber(string.match(found[1], '^%d+')) or 0}
