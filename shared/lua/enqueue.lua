-- Append commands to the journal: all of them or none.
-- KEYS: n, journal, meta (read only). ARGV: backlog limit, then the payloads.
-- Returns {first n, Redis clock in microseconds}, or {0, 'BUSY', backlog}, or {0, 'HALTED', reason}.
local state = redis.call('HMGET', KEYS[3], 'position', 'halt')
if state[2] and state[2] ~= '' then return {0, 'HALTED', state[2]} end
local n = tonumber(redis.call('GET', KEYS[1]) or '0')
local backlog = n - tonumber(state[1] or '0')
if backlog + #ARGV - 1 > tonumber(ARGV[1]) then return {0, 'BUSY', backlog} end
local clock = redis.call('TIME')
local t = string.format('%d%06d', clock[1], clock[2])
for i = 2, #ARGV do
  redis.call('XADD', KEYS[2], string.format('%d-0', n + i - 1), 't', t, 'b', ARGV[i])
end
redis.call('SET', KEYS[1], string.format('%d', n + #ARGV - 1))
return {n + 1, t}
