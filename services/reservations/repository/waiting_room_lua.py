"""The waiting room's scripts in Redis. Each runs alone, which is what makes the order of arrival one order."""

from __future__ import annotations

from typing import Final

# Which start of which server this is: what was written on another one may be older than it looks.
_RUN: Final = r"""
local function run()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then return 'unknown' end
  return string.match(info, 'run_id:(%w+)') or 'unknown'
end
"""

# Keys: board, tick. Arguments: now and the least time between two seconds, in milliseconds; whether to reckon; seconds.
# Answers the board of this run and whether the next second is the caller's. A tick from the future (a clock that was
# wrong) does not stop the room.
LOOK_LUA: Final = (
    _RUN
    + r"""
local now, apart = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = redis.call('HMGET', KEYS[1], 'run', 'packed')
local packed = ''
if found[1] == run() then packed = found[2] end
local due = 0
if ARGV[3] == '1' then
  local last = tonumber(redis.call('GET', KEYS[2]) or '0')
  if now - last >= apart or last - now > 5 * apart then
    redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[4])
    due = 1
  end
end
return {packed, due}
"""
)

# Key: board. Arguments: the board it was reckoned from ('' for none of this run), the new one, seconds.
PUBLISH_LUA: Final = (
    _RUN
    + r"""
local found = redis.call('HMGET', KEYS[1], 'run', 'packed')
local here = run()
local there = ''
if found[1] == here then there = found[2] end
if there ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'run', here, 'packed', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# Key: serials. Arguments: kind, now in milliseconds, whether the caller has waited long enough, first and largest size
# of a range, seconds. Answers {'serial', n}, {'lease', size}, {'wait'} while another caller is leasing, or {'drawn'}.
# A range that lasted less than a second is followed by a larger one, one of many seconds by a smaller one.
TAKE_LUA: Final = (
    _RUN
    + r"""
local kind, now = ARGV[1], tonumber(ARGV[2])
local here = run()
if kind == 'before' and redis.call('HGET', KEYS[1], 'drawn') then return {'drawn', 0} end
local found = redis.call('HMGET', KEYS[1], kind .. ':run', kind .. ':next', kind .. ':end', kind .. ':size',
  kind .. ':at', kind .. ':leasing')
local size = tonumber(found[4] or ARGV[4])
if found[1] == here then
  local serial = tonumber(found[2])
  if serial < tonumber(found[3]) then
    redis.call('HSET', KEYS[1], kind .. ':next', serial + 1)
    return {'serial', serial}
  end
  local lasted = now - tonumber(found[5])
  if lasted < 1000 then size = math.min(size * 4, tonumber(ARGV[5]))
  elseif lasted > 5000 then size = math.max(math.floor(size / 2), tonumber(ARGV[4])) end
end
local leasing = tonumber(found[6] or '0')
if ARGV[3] ~= '1' and leasing <= now and now - leasing < 2000 then return {'wait', 0} end
redis.call('HSET', KEYS[1], kind .. ':leasing', now)
redis.call('EXPIRE', KEYS[1], ARGV[6])
return {'lease', size}
"""
)

# Key: serials. Arguments: kind, first, end, size, now, seconds. A range below what was given out already, or beside one
# that is not used up, is dropped: serials that go back would be places in the queue that go back.
OFFER_LUA: Final = (
    _RUN
    + r"""
local kind = ARGV[1]
local here = run()
redis.call('HDEL', KEYS[1], kind .. ':leasing')
local found = redis.call('HMGET', KEYS[1], kind .. ':run', kind .. ':next', kind .. ':end')
if found[1] == here then
  if tonumber(found[2]) < tonumber(found[3]) or tonumber(ARGV[2]) < tonumber(found[3]) then return 0 end
end
redis.call('HSET', KEYS[1], kind .. ':run', here, kind .. ':next', ARGV[2], kind .. ':end', ARGV[3],
  kind .. ':size', ARGV[4], kind .. ':at', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
"""
)

# Key: serials. Answers how many serials of before were given out, -1 where this run cannot know.
GIVEN_LUA: Final = (
    _RUN
    + r"""
local found = redis.call('HMGET', KEYS[1], 'before:run', 'before:next')
if found[1] == run() then return tonumber(found[2]) end
return -1
"""
)

# The same, and no more of them from here on. Argument: seconds.
CLOSE_LUA: Final = (
    r"""
redis.call('HSET', KEYS[1], 'drawn', '1')
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
    + GIVEN_LUA
)

# Keys: claimed, outstanding, counts. Arguments: rank, person, now, seconds a Pass is good, field of the count, seconds.
CLAIM_LUA: Final = r"""
local person, now, good = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local until_ = tonumber(redis.call('ZSCORE', KEYS[2], person) or '0')
if until_ - now <= good / 2 then
  until_ = now + good
  redis.call('ZADD', KEYS[2], until_, person)
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
if redis.call('SETBIT', KEYS[1], ARGV[1], 1) == 0 then
  redis.call('HINCRBY', KEYS[3], ARGV[5], 1)
  redis.call('EXPIRE', KEYS[3], 180)
end
redis.call('EXPIRE', KEYS[1], ARGV[6])
return until_
"""

# Keys: outstanding, counts. Arguments: who used the Pass ('' for nobody), then field and count by turns.
USE_LUA: Final = r"""
if ARGV[1] ~= '' then redis.call('ZREM', KEYS[1], ARGV[1]) end
for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
if #ARGV > 1 then redis.call('EXPIRE', KEYS[2], 180) end
return 1
"""

# Keys: claimed, outstanding, serials, counts of this minute and of the last. Arguments: now, the settled ranks (from,
# up to), serving.
OBSERVE_LUA: Final = (
    _RUN
    + r"""
local function claimed(first, last)
  if last <= first then return 0 end
  return redis.call('BITCOUNT', KEYS[1], first, last - 1, 'BIT')
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
local first, settled, serving = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local after = redis.call('HMGET', KEYS[3], 'after:run', 'after:next')
local given = -1
if after[1] == run() then given = tonumber(after[2]) end
return {redis.call('ZCARD', KEYS[2]), claimed(first, settled), claimed(settled, serving), given,
  redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5])}
"""
)
