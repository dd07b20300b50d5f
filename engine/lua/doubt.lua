-- Halt the venue by order of its standby: from now on the journal takes no commands, and the engine
-- stops at its next beat. The first reason stays. KEYS: meta. ARGV: reason. Returns 1, or 0.
local halt = redis.call('HGET', KEYS[1], 'halt')
if halt and halt ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'halt', ARGV[1])
return 1
