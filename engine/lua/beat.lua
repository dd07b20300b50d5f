-- Keep the lease and tell the world that the engine lives.
-- KEYS: meta, lease. ARGV: owner, lease in ms, epoch, heartbeat channel, halts lifted as the owner
-- knows them. Returns 1, 2 while the venue is halted or after it was, or 0 when fenced.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'halt', 'lifts')
if state[1] ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[4], state[1] .. ' ' .. (state[2] or '0'))
if state[3] and state[3] ~= '' then return 2 end
if (state[4] or '0') ~= ARGV[5] then return 2 end -- A halt that is over already is one, too.
return 1
