"""The scripts that Redis executes as one step each. KEYS[1] is the log of invalidations, unless said otherwise.

A value is a digit for its format, 13 digits of the Unix milliseconds until which it is fresh, and the content; an alias
is an at sign and the name of the value. An entry of the log has the fields `e` (the epoch), `n` (its number in the
epoch), `o` (the origin and its number), `s` (the subjects) and `m` (the message). Names from stored aliases are not
among the keys: all have one hash tag.
"""

from __future__ import annotations

# The last entry of the log as its id, epoch and number.
_LAST = """
local function fields(row)
  local found = {}
  for at = 1, #row[2], 2 do found[row[2][at]] = row[2][at + 1] end
  return found
end
local function last(log)
  local rows = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  if not rows[1] then return nil end
  local found = fields(rows[1])
  return {id = rows[1][1], epoch = found.e, count = tonumber(found.n)}
end
"""
_VALUE = """
local function value_of(name)
  local value = redis.call('GET', name)
  if value and string.sub(value, 1, 1) == '@' then value = redis.call('GET', string.sub(value, 2)) end
  return value
end
"""

FIND = (
    _VALUE
    + """
local values = {}
for at = 1, #KEYS do values[at] = value_of(KEYS[at]) end
return values
"""
)
"""KEYS are the names. Returns the values."""

CLAIM = (
    _VALUE
    + """
local values, is_complete = {1}, true
for at = 2, #KEYS do
  local value = value_of(KEYS[at])
  if value and string.sub(value, 1, 1) == '1' and tonumber(string.sub(value, 2, 14)) > tonumber(ARGV[1]) then
    values[at] = value
  else
    is_complete = false
    break
  end
end
if is_complete then return values end
if redis.call('GET', KEYS[1]) == ARGV[2] or redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3]) then return {2} end
return {3, redis.call('PTTL', KEYS[1])}
"""
)
"""KEYS are the lock and the names, ARGV the Unix milliseconds, the token, and the milliseconds of the lease."""

PROLONG = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
"""KEYS is the lock, ARGV the token and the milliseconds of the lease."""

RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'l', KEYS[1])
return 1
"""
"""KEYS are the lock and the log of returned locks, ARGV the token and the length of that log."""

PUT = (
    _LAST
    + """
local now = last(KEYS[1])
local count = tonumber(ARGV[2])
if not now or now.epoch ~= ARGV[1] or now.count < count then return 0 end
if now.count > count then
  local subjects = {}
  for subject in string.gmatch(ARGV[4], '[^,]+') do subjects[subject] = true end
  for _, row in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[3], '+')) do
    local found = fields(row)
    if tonumber(found.n) ~= count + 1 then return 0 end
    count = count + 1
    for subject in string.gmatch(found.s, '[^,]+') do
      if subject == '*' or subjects[subject] then return 0 end
    end
  end
end
for at = 2, #KEYS do redis.call('SET', KEYS[at], ARGV[2 * at + 1], 'PX', ARGV[2 * at + 2]) end
return 1
"""
)
"""KEYS are the log and the names, ARGV the position (epoch, number, id), the subjects, and value and milliseconds of
each name. A log that has lost entries after the position stores nothing."""

OPEN = (
    _LAST
    + """
local now = last(KEYS[1])
if not now then
  redis.call('XADD', KEYS[1], '*', 'e', ARGV[1], 'n', 0, 'o', '', 's', '', 'm', '')
  now = last(KEYS[1])
end
local returned = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {now.id, now.epoch, now.count, returned[1] and returned[1][1] or '0-0'}
"""
)
"""KEYS are both logs, ARGV the epoch of a new one. Returns the last place of the log, and that of returned locks."""

SIGN_OF_LIFE = """
local now = redis.call('TIME')[1]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
"""KEYS are the instances, ARGV the own one, and the seconds for which one counts. Returns how many there are. A full
Redis refuses this: its first command needs memory."""

RESERVE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local interval = 1 / ARGV[1]
local burst = (math.max(1, tonumber(ARGV[1])) - 1) * interval
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - burst)
if due - now > 2 * (redis.call('ZCARD', KEYS[2]) + 1) * math.max(1, interval) then due = now end
redis.call('SET', KEYS[1], string.format('%.6f', due + interval), 'PX', math.ceil((due + interval - now + 2) * 1000))
return math.max(0, math.ceil((due - now) * 1000000))
"""
"""KEYS are the bucket and the instances, ARGV the tokens a second. Returns the microseconds until the token is due: the
generic cell rate algorithm, whose state is the time at which the next token is due. An instance requests a burst ahead
at most: what is due later than that for all of them was due by a clock that has been set back since."""

INVALIDATE = (
    _LAST
    + """
redis.call('DEL', KEYS[1] .. ':')
for at = 2, #KEYS do redis.call('UNLINK', KEYS[at]) end
local now = last(KEYS[1]) or {epoch = ARGV[1], count = 0}
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*',
  'e', now.epoch, 'n', now.count + 1, 'o', ARGV[3], 's', ARGV[4], 'm', ARGV[5])
if ARGV[4] == '*' then redis.call('XTRIM', KEYS[1], 'MAXLEN', 1) end
return 1
"""
)
"""KEYS are the log and the names, ARGV the epoch of a new log, its length, origin, subjects and message. An
invalidation of everything ends the entries before, which name users: whoever has missed them forgets everything in any
case. A full Redis executes a script to its end whose first command only frees memory."""
