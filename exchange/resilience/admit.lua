-- May this request go out now? Asks the ban, the breaker and the budgets of one request, and takes from the budgets.
--
-- KEYS: ban, breaker, then one budget each
-- ARGV: now in ms (empty: Redis's clock), "cancel" or anything else, the probe's lease in ms, then for each budget:
--       limit, window ms, slots, cost, and how much of the limit this request may use up
-- Answers {verdict, milliseconds to wait, role, failures so far, budget left …}; verdict is ok, banned, open or full.
--
-- A budget is a hash from slot (a stretch of window/slots ms) to what was taken in it. Two moments less than a window
-- apart are at most `slots` slots apart, so the sum over the present slot and the `slots` before it never is too small.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local banned = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
if banned > now then
  return {'banned', banned - now, '', 0}
end

local role = 'normal'
local breaker = redis.call('HMGET', KEYS[2], 'state', 'until', 'probe', 'failures')
local failures = tonumber(breaker[4]) or 0
if breaker[1] == 'open' then
  local busy = math.max(tonumber(breaker[2]), tonumber(breaker[3]) or 0)
  if ARGV[2] == 'cancel' then
    role = 'cancel'
  elseif now < busy then
    return {'open', busy - now, '', failures}
  else
    role = 'probe'
  end
end

local wait = 0
local left = {}
local slots_now = {}
for i = 3, #KEYS do
  local at = 4 + (i - 3) * 5
  local limit, window, slots = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local cost, allowed = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local width = window / slots
  local slot = math.floor(now / width)
  local fields = redis.call('HGETALL', KEYS[i])
  local used, taken, old = 0, {}, {}
  for f = 1, #fields, 2 do
    local amount = tonumber(fields[f + 1])
    if fields[f] == 'blocked' then
      wait = math.max(wait, amount - now)
    elseif tonumber(fields[f]) < slot - slots then
      old[#old + 1] = fields[f]
    else
      used = used + amount
      taken[#taken + 1] = {tonumber(fields[f]), amount}
    end
  end
  if #old > 0 then
    redis.call('HDEL', KEYS[i], unpack(old))
  end
  if used + cost > allowed then
    table.sort(taken, function(a, b) return a[1] < b[1] end)
    local freed = used
    for _, entry in ipairs(taken) do
      freed = freed - entry[2]
      if freed + cost <= allowed then
        wait = math.max(wait, math.ceil((entry[1] + slots + 1) * width) - now)
        break
      end
    end
  end
  left[#left + 1] = limit - used
  slots_now[i] = slot
end
if wait > 0 then
  return {'full', math.ceil(wait), '', failures, unpack(left)}
end

for i = 3, #KEYS do
  local at = 4 + (i - 3) * 5
  local cost = tonumber(ARGV[at + 3])
  if redis.call('HINCRBY', KEYS[i], string.format('%d', slots_now[i]), cost) == cost then
    redis.call('PEXPIRE', KEYS[i], math.max(redis.call('PTTL', KEYS[i]), ARGV[at + 1] * 2))
  end
  left[i - 2] = left[i - 2] - cost
end
if role == 'probe' then
  redis.call('HSET', KEYS[2], 'probe', now + ARGV[3])
end
return {'ok', 0, role, failures, unpack(left)}
