-- Believes the exchange where it counts more than we did, and closes a budget that it calls used up.
--
-- KEYS: budget
-- ARGV: now in ms or empty, window ms, slots, what the exchange says was used (or -1), ms for which nothing more may
--       be sent (or 0)

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local window, slots, said, closed = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local slot = math.floor(now / (window / slots))
local fields = redis.call('HGETALL', KEYS[1])
local used, blocked = 0, 0
for f = 1, #fields, 2 do
  if fields[f] == 'blocked' then
    blocked = tonumber(fields[f + 1])
  elseif tonumber(fields[f]) >= slot - slots then
    used = used + tonumber(fields[f + 1])
  end
end
if said > used then
  redis.call('HINCRBY', KEYS[1], string.format('%d', slot), math.floor(said - used))
end
if closed > 0 and now + closed > blocked then
  redis.call('HSET', KEYS[1], 'blocked', now + closed)
end
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), window * 2, closed + window))
return 1
