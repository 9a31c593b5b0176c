-- Keeps all traffic off a host. A ban is never shortened. Answers 1 when there was none before.
--
-- KEYS: ban, log
-- ARGV: now in ms or empty, milliseconds, the host, why

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local known = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
local till = now + tonumber(ARGV[2])
if till > known then
  redis.call('HSET', KEYS[1], 'until', till, 'reason', ARGV[4])
  redis.call('PEXPIRE', KEYS[1], till - now)
end
if known > now then
  return 0
end
redis.call('HSET', KEYS[1], 'since', now)
redis.call('LPUSH', KEYS[2], cjson.encode({at = now, host = ARGV[3], kind = 'banned', text = ARGV[4]}))
redis.call('LTRIM', KEYS[2], 0, 199)
return 1
