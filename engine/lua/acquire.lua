-- Take the venue's lease, if it is free or already in this owner's name, and begin a new epoch.
-- KEYS: meta, lease. ARGV: owner, lease in ms, program (version and
-- limits). Returns the new epoch, or 0 while another owner holds it.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
local state = redis.call('HMGET', KEYS[1], 'program', 'position')
if state[1] ~= ARGV[3] then
  redis.call('HSET', KEYS[1], 'program', ARGV[3], 'program_at', state[2] or '0')
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return epoch
