-- Read a page of a hash together with the position and the chain that it is true at.
-- KEYS: meta, hash. ARGV: cursor, rows wanted. Returns position, chain, length of the hash,
-- and the reply of HSCAN.
local state = redis.call('HMGET', KEYS[1], 'position', 'chain')
return {state[1] or '0', state[2] or '', redis.call('HLEN', KEYS[2]),
  redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])}
