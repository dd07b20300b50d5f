-- Keep the lease and tell the world that the engine lives.
-- KEYS: meta, lease. ARGV: owner, lease in ms, epoch, heartbeat channel.
-- Returns 1, 2 while the venue is halted, or 0 when fenced.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'halt')
if state[1] ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[4], state[1] .. ' ' .. (state[2] or '0'))
if state[3] and state[3] ~= '' then return 2 end
return 1
