-- Commit one batch: all of it or nothing. Checks come first; from the first write on nothing can fail.
-- KEYS: meta, lease, events, changes wanted, changes; the program's keys have the same hash tag.
-- ARGV: owner, lease in ms, epoch, position that the batch began at, last sequence, packed events,
--       and a program: a msgpack list of groups: command, key, number of arguments, arguments.
--       It is one argument, because Redis 6.2 cuts a connection at a million of them.
-- Two guards, each enough alone: the epoch stops a zombie, the position stops a second execution.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'position')
if state[1] ~= ARGV[3] then return redis.error_reply('FENCED by epoch ' .. tostring(state[1])) end
if (state[2] or '0') ~= ARGV[4] then return redis.error_reply('FENCED at position ' .. tostring(state[2])) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('XADD', KEYS[3], ARGV[5] .. '-0', 'e', ARGV[6])
local CHANGES_KEPT_MS = 30000 -- Whoever asked for them and died leaves nothing behind.
local CHUNK = 4000 -- Lua's stack takes about 8,000 values; an even number keeps pairs together.
local program = cmsgpack.unpack(ARGV[7])
local i = 1
while i <= #program do
  local command, key = program[i], program[i + 1]
  local last = i + 2 + tonumber(program[i + 2])
  i = i + 3
  while i <= last do
    local upto = math.min(i + CHUNK - 1, last)
    redis.call(command, key, unpack(program, i, upto))
    i = upto + 1
  end
end
-- Somebody is loading the rows meanwhile: what changed under its hands makes its picture whole.
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('XADD', KEYS[5], '*', 'f', ARGV[4], 'w', ARGV[7])
  redis.call('PEXPIRE', KEYS[5], CHANGES_KEPT_MS)
end
return 'OK'
