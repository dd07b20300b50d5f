-- Give the lease back at a clean stop, so that a successor need not wait for its end.
-- KEYS: meta, lease. ARGV: owner, epoch.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return 0 end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[2])
