-- Halt the venue by order of its standby, or of an operator: from now on the journal takes no
-- commands, and the engine stops at its next beat; until then it is at work, so that no entry may be
-- skipped at such a halt.
-- The first reason stays. KEYS: meta. ARGV: reason. Returns 1, or 0.
local halt = redis.call('HGET', KEYS[1], 'halt')
if halt and halt ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'halt', ARGV[1])
redis.call('HDEL', KEYS[1], 'halted_n')
return 1
