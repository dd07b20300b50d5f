-- Lift a halt, so that the engine tries the entry at hand again; its deaths are counted anew.
-- KEYS: meta, attempts. Returns 1, or 0 when the venue is not halted.
local halt = redis.call('HGET', KEYS[1], 'halt')
if not halt or halt == '' then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], 'halt', 'halted_n')
redis.call('HINCRBY', KEYS[1], 'lifts', 1) -- Whoever has rows in memory loads them again.
return 1
