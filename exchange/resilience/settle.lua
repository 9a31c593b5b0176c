-- What an answer, or its absence, means for the circuit breaker.
--
-- KEYS: breaker, log
-- ARGV: now in ms or empty, ok or failed, the request's role, failures that open it, within ms, first pause ms,
--       longest pause ms, the host, why it failed
-- Answers {opened, closed or nothing, the pause in ms}.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local outcome, role = ARGV[2], ARGV[3]
local threshold, within, first_pause, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local function note(kind, text)
  redis.call('LPUSH', KEYS[2], cjson.encode({at = now, host = ARGV[8], kind = kind, text = text}))
  redis.call('LTRIM', KEYS[2], 0, 199)
end

local breaker = redis.call('HMGET', KEYS[1], 'state', 'failures', 'first', 'opened')
if breaker[1] ~= 'open' then
  if outcome == 'ok' then
    redis.call('DEL', KEYS[1])
    return {'', 0}
  end
  local failures, first = tonumber(breaker[2]) or 0, tonumber(breaker[3]) or now
  if now - first > within then
    failures, first = 0, now
  end
  failures = failures + 1
  redis.call('HSET', KEYS[1], 'failures', failures, 'first', first)
  if failures < threshold then
    redis.call('PEXPIRE', KEYS[1], within)
    return {'', 0}
  end
  redis.call('PERSIST', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'open', 'since', now, 'until', now + first_pause, 'opened', 1, 'reason', ARGV[9])
  note('breaker opened', ARGV[9])
  return {'opened', first_pause}
end

if role == 'normal' then
  return {'', 0}  -- sent before it opened: says nothing of how things are now
end
if outcome == 'ok' then
  redis.call('DEL', KEYS[1])
  note('breaker closed', 'by a ' .. role .. ' that was answered')
  return {'closed', 0}
end
redis.call('HINCRBY', KEYS[1], 'failures', 1)
if role == 'cancel' then
  return {'', 0}
end
local opened = tonumber(breaker[4]) + 1
local pause = math.min(longest, first_pause * 2 ^ (opened - 1))
redis.call('HSET', KEYS[1], 'until', now + pause, 'probe', 0, 'opened', opened, 'reason', ARGV[9])
note('breaker probed in vain', ARGV[9])
return {'opened', pause}
