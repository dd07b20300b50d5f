-- Store a ticket, unless its account has as many as it may.
-- KEYS: ticket, the account's tickets.
-- ARGV: hash, claims, lifetime in ms, the longest lifetime in ms, the most an account may have.
-- Returns 0, or the milliseconds until the account's next ticket is over.
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_ms)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then
  return redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] - now_ms
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], now_ms + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 0
