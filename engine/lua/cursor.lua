-- Note how far a follower of the journal or the events is; also when memory is full, or the archive
-- could not free any. KEYS: cursor. ARGV: its value, and perhaps its lifetime in ms.
if ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1
