-- Commit one batch: all of it or nothing. Checks come first; from the first write on nothing can fail.
-- KEYS: meta, lease, events, then the keys that the program below names by their index here.
-- ARGV: owner, lease in ms, epoch, position that the batch began at, last sequence, packed events,
--       then a program of groups: command, key index, number of arguments, arguments.
-- Two guards, each enough alone: the epoch stops a zombie, the position stops a second execution.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'position')
if state[1] ~= ARGV[3] then return redis.error_reply('FENCED by epoch ' .. tostring(state[1])) end
if (state[2] or '0') ~= ARGV[4] then return redis.error_reply('FENCED at position ' .. tostring(state[2])) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('XADD', KEYS[3], ARGV[5] .. '-0', 'e', ARGV[6])
local CHUNK = 4000 -- Lua's stack takes about 8,000 values; an even number keeps pairs together.
local i = 7
while i <= #ARGV do
  local command, key = ARGV[i], KEYS[tonumber(ARGV[i + 1])]
  local last = i + 2 + tonumber(ARGV[i + 2])
  i = i + 3
  while i <= last do
    local upto = math.min(i + CHUNK - 1, last)
    redis.call(command, key, unpack(ARGV, i, upto))
    i = upto + 1
  end
end
return 'OK'
