-- Journal the operator's order to pass over one entry, and lift the halt that it caused.
-- KEYS: n, journal, meta, attempts. ARGV: the entry to skip, the payload of the SkipCommand.
-- Returns the number of the new entry, or 0 unless an engine that had not begun has halted the venue
-- over that very entry, and it is the next one: else an engine may be at work on it just now.
local state = redis.call('HMGET', KEYS[3], 'position', 'halt', 'halted_n')
if not state[2] or state[2] == '' or state[3] ~= ARGV[1] then return 0 end
local position = tonumber(state[1] or '0')
local n = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) ~= position + 1 or tonumber(ARGV[1]) > n then return 0 end
local clock = redis.call('TIME')
redis.call('XADD', KEYS[2], string.format('%d-0', n + 1),
  't', string.format('%d%06d', clock[1], clock[2]), 'b', ARGV[2])
redis.call('SET', KEYS[1], string.format('%d', n + 1))
redis.call('DEL', KEYS[4])
redis.call('HDEL', KEYS[3], 'halt', 'halted_n')
redis.call('HINCRBY', KEYS[3], 'lifts', 1)
return n + 1
