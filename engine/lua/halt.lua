-- Halt the venue: from now on the journal takes no commands. Only an engine that has not begun does
-- so: whoever skips that entry knows from it that nobody is at work on it.
-- KEYS: meta. ARGV: epoch, reason, the entry at which it died. Returns 1, or 0 when fenced.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'halt', ARGV[2], 'halted_n', ARGV[3])
return 1
