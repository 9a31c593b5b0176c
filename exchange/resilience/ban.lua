-- Keeps all traffic off a host. A ban is never shortened. Answers 1 when there was none before.
--
-- KEYS: ban, log
-- ARGV: milliseconds, the host, why

local left = redis.call('PTTL', KEYS[1])
local long = tonumber(ARGV[1])
if left < long then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', long)
end
if left > 0 then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('LPUSH', KEYS[2], cjson.encode({at = now, host = ARGV[2], kind = 'banned', text = ARGV[3], ms = long}))
redis.call('LTRIM', KEYS[2], 0, 199)
return 1
