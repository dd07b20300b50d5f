-- Note how far a follower of the journal or the events is; also when memory is full, or the archive
-- could not free any. KEYS: cursor. ARGV: its value.
redis.call('SET', KEYS[1], ARGV[1])
return 1
