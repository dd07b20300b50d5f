-- Count one more death at a journal entry, before it happens or right after.
-- KEYS: meta, attempts. ARGV: epoch, n. Returns the count at that entry, or 0 when fenced.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[2], 'n') ~= ARGV[2] then
  redis.call('HSET', KEYS[2], 'n', ARGV[2], 'count', '0')
end
return redis.call('HINCRBY', KEYS[2], 'count', 1)
