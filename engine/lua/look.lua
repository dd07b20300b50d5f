-- Read named rows of a hash together with the position and the chain that they are true at.
-- KEYS: meta, hash. ARGV: fields, at most a few thousand. Returns position, chain, and the values.
local state = redis.call('HMGET', KEYS[1], 'position', 'chain')
return {state[1] or '0', state[2] or '', redis.call('HMGET', KEYS[2], unpack(ARGV))}
