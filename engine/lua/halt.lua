-- Halt the venue: from now on the journal takes no commands.
-- KEYS: meta. ARGV: epoch, reason. Returns 1, or 0 when fenced.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'halt', ARGV[2])
return 1
