-- Give the lease back at a clean stop, so that a successor need not wait for its end, and count no
-- death for it.
-- KEYS: meta, lease, attempts. ARGV: owner, epoch. Returns 1, or 0 when the lease is another's.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return 0 end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[3])
return redis.call('DEL', KEYS[2])
