"""The scripts behind `hints`: one call answers a repeated request, corrects what is known, and picks places.

Keys, all of one event's hash tag: 1 the Idempotency-Key's record, 2 the findings of looks, then for every pool three:
blocks (hash: number to state), room (sorted set: what a block still has) and wake (sorted set: when a hold runs out).

A block's state is one byte each for whether neighbours count, the number of its stretches, its zone and the stretches'
lengths, then in eight bytes when it was last told anything (microseconds of Redis's own clock), and for every slot its
until in four bytes, 0 for free. A score in `room` is zone * 2^26 + room * 2^20 + number, so that one range finds the
first block of a zone with exactly that room; one in `wake` is zone * 2^32 + the until that comes first. General places
are zone 0, and so are bays, to which nobody is sent.

Arguments: 1 in MessagePack [now, lease, off sale, seconds, seed, freed, candidates, key, tell, want] as `hints.py`
builds it, 2 the answer to keep.
"""

from __future__ import annotations

from typing import Final

# How a block is read, valued and kept; the same for every script that touches blocks. `now` and `gone` (the first
# until that means off sale for good) are set by the script that begins with it.
_BLOCKS_LUA: Final = r"""
local BLOCK, ROOM, ZONE = 1048576, 67108864, 4294967296
local now, gone, expiry

-- A sorted set that was empty is a new key, which has no expiry yet.
local function put(key, score, number)
  if score == nil then redis.call('ZREM', key, number)
  elseif redis.call('ZADD', key, score, number) == 1 and redis.call('ZCARD', key) == 1 then
    redis.call('EXPIRE', key, expiry)
  end
end

local function read(raw)
  local together, count, zone = string.byte(raw, 1, 3)
  local head = 3 + count
  local size = (#raw - head - 8) / 4
  local untils = {struct.unpack('<' .. string.rep('I4', size), raw, head + 9)}
  untils[size + 1] = nil
  return {together = together == 1, zone = zone, stretches = {string.byte(raw, 4, head)},
    head = string.sub(raw, 1, head), changed = struct.unpack('<d', raw, head + 1), untils = untils}
end

local function free_runs(block)
  local runs, start, untils = {}, 1, block.untils
  for _, length in ipairs(block.stretches) do
    local begin = start
    for slot = start, start + length do
      if slot == start + length or untils[slot] >= now then
        if slot > begin then runs[#runs + 1] = {begin, slot - begin} end
        begin = slot + 1
      end
    end
    start = start + length
  end
  return runs
end

local function write(states, rooms, wakes, number, block)
  local room, run, wake, slot, untils = 0, 0, nil, 0, block.untils
  for _, length in ipairs(block.stretches) do
    if block.together then run = 0 end
    for _ = 1, length do
      slot = slot + 1
      local till = untils[slot]
      if till < now then
        run = run + 1
        if run > room then room = run end
      else
        if block.together then run = 0 end
        if till < gone and (wake == nil or till < wake) then wake = till end
      end
    end
  end
  local packed = struct.pack('<d' .. string.rep('I4', #untils), block.changed, unpack(untils))
  redis.call('HSET', states, number, block.head .. packed)
  put(rooms, room > 0 and block.zone * ROOM + room * BLOCK + number or nil, number)
  put(wakes, wake and block.zone * ZONE + wake or nil, number)
end
"""

LUA: Final = (
    _BLOCKS_LUA
    + r"""
local ask = cmsgpack.unpack(ARGV[1])
local lease, seed, freed, candidates = ask[2], ask[5], ask[6], ask[7]
local key, tell, wants = ask[8], ask[9], ask[10]
now, gone, expiry = ask[1], ask[3], ask[4]

local function keys_of(pool) return KEYS[3 + pool * 3], KEYS[4 + pool * 3], KEYS[5 + pool * 3] end

local function keep(pool, number, block)
  local states, rooms, wakes = keys_of(pool)
  write(states, rooms, wakes, number, block)
end

local function known(pool, number)
  local raw = redis.call('HGET', (keys_of(pool)), number)
  return raw and read(raw)
end

if key then
  local record = redis.call('GET', KEYS[1])
  if key.answer then
    redis.call('SET', KEYS[1], 'A' .. key.hash .. ARGV[2], 'PX', key.milliseconds)
  elseif key.forget then
    if record == 'F' .. key.hash then redis.call('DEL', KEYS[1]) end
  elseif record then
    if string.sub(record, 2, 33) ~= key.hash then return {'other'} end
    if string.sub(record, 1, 1) == 'F' then return {'flight'} end
    return {'answer', string.sub(record, 34)}
  else
    redis.call('SET', KEYS[1], 'F' .. key.hash, 'PX', key.milliseconds)
  end
end

-- What a caller knows of a block: its own write ("exact"), what one write changed ("before" says from what), or how it
-- found the block ("as_of": since when). A slot is never freed by what may be older than the last that was heard of it,
-- nor while it is leased to somebody who is writing it now.
local function take_in(block, untils, exact, before, as_of)
  local lowered, fresh = false, as_of and block.changed <= as_of
  for slot, till in pairs(untils) do
    local held = block.untils[slot + 1]
    if held and held ~= till then
      local leased = held > now and held <= now + lease
      local newer = exact or (before and before[slot] == held) or (fresh and (till >= now or not leased))
      if newer or (till >= now and till > held) then
        lowered = lowered or (held >= now and till < now)
        block.untils[slot + 1] = till
      end
    end
  end
  return lowered
end

local came_back = freed == true
if #tell > 0 then
  local time = redis.call('TIME')
  local moment = time[1] * 1000000 + time[2]
  for _, told in ipairs(tell) do
    local pool, number = told[1], told[2]
    local block = known(pool, number)
    if block then
      local lowered = take_in(block, told[3], told[4], told[5], told[6])
      came_back = came_back or (freed == 1 and lowered)
      block.changed = moment
      keep(pool, number, block)
    else
      came_back = came_back or freed == 1
    end
  end
end
if came_back then
  redis.call('HINCRBY', KEYS[2], 'generation', 1)
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if field ~= 'generation' then redis.call('HDEL', KEYS[2], field) end
  end
end

local undo = {}
local function mark(pool, number, block, slots)
  undo[#undo + 1] = {pool, number, block, {}}
  for i, slot in ipairs(slots) do
    undo[#undo][4][i] = {slot, block.untils[slot]}
    block.untils[slot] = now + lease
  end
  keep(pool, number, block)
end

local function wake_up(pool, zones)
  local _, _, wakes = keys_of(pool)
  for _, zone in ipairs(zones) do
    local low, high = zone * ZONE, zone * ZONE + now - 1
    for _, number in ipairs(redis.call('ZRANGEBYSCORE', wakes, low, high, 'LIMIT', 0, 64)) do
      local block = known(pool, number)
      if block then keep(pool, tonumber(number), block) else redis.call('ZREM', wakes, number) end
    end
  end
end

-- The first blocks of the zones that have the room, in their order; only the rooms that occur are asked for.
local function first_blocks(pool, zones, quantity, count)
  local _, rooms = keys_of(pool)
  local found = {}
  for _, zone in ipairs(zones) do
    local low, high = zone * ROOM + quantity * BLOCK, (zone + 1) * ROOM - 1
    while low <= high do
      local some = redis.call('ZRANGEBYSCORE', rooms, low, high, 'LIMIT', 0, 1, 'WITHSCORES')
      if not some[1] then break end
      local room = math.floor(tonumber(some[2]) / BLOCK)
      if count == 1 then found[#found + 1] = tonumber(some[1])
      else
        local every = redis.call('ZRANGEBYSCORE', rooms, room * BLOCK, (room + 1) * BLOCK - 1, 'LIMIT', 0, count)
        for _, number in ipairs(every) do found[#found + 1] = tonumber(number) end
      end
      low = (room + 1) * BLOCK
    end
  end
  table.sort(found)
  return found
end

-- Any block that has the room, by its rank among all of them; first of all one that the caller has just seen.
local function any_block(pool, quantity)
  local _, rooms = keys_of(pool)
  local low, high = quantity * BLOCK, ROOM - 1
  for _, told in ipairs(tell) do
    local score = told[1] == pool and redis.call('ZSCORE', rooms, told[2])
    if score and tonumber(score) >= low and tonumber(score) <= high then return told[2] end
  end
  local count = redis.call('ZCOUNT', rooms, low, high)
  if count == 0 then return nil end
  local rank = redis.call('ZCOUNT', rooms, '-inf', low - 1) + seed % count
  return tonumber(redis.call('ZRANGE', rooms, rank, rank)[1])
end

local function roomiest(pool, zones)
  local _, rooms = keys_of(pool)
  local best, most = nil, 0
  for _, zone in ipairs(zones) do
    local found = redis.call('ZREVRANGEBYSCORE', rooms, (zone + 1) * ROOM - 1, zone * ROOM, 'WITHSCORES', 'LIMIT', 0, 1)
    if found[1] then
      local room = math.floor((tonumber(found[2]) - zone * ROOM) / BLOCK)
      if room > most then best, most = tonumber(found[1]), room end
    end
  end
  return best
end

-- Neighbours as `domain.choose_slots` takes them, and whether they leave a single seat.
local function neighbours(block, quantity)
  local best = nil
  for _, run in ipairs(free_runs(block)) do
    local left = run[2] - quantity
    if left >= 0 then
      local orphan = left == 1 and 1 or 0
      local better = best == nil or orphan < best[1] or (orphan == best[1] and left < best[2])
      if better then best = {orphan, left, run[1]} end
    end
  end
  if best == nil then return {}, false end
  local slots = {}
  for i = 1, quantity do slots[i] = best[3] + i - 1 end
  return slots, best[1] == 1
end

local function some(block, quantity)
  local slots = {}
  for slot, till in ipairs(block.untils) do
    if till < now and #slots < quantity then slots[#slots + 1] = slot end
  end
  return slots
end

-- The sets and the states disagree (one of them was evicted): the state wins, and without one the block goes.
local function mend(pool, number, block)
  local _, rooms = keys_of(pool)
  if block then keep(pool, number, block) else redis.call('ZREM', rooms, number) end
end

-- The first block whose pick leaves no single seat, among so many; where none does, the first.
local function side_by_side(pool, zones, quantity)
  local first = nil
  for _, count in ipairs({1, candidates}) do
    for place, number in ipairs(first_blocks(pool, zones, quantity, count)) do
      if place > count then break end
      if first == nil or number ~= first[1] then
        local block = known(pool, number)
        local slots, orphan = {}, false
        if block then slots, orphan = neighbours(block, quantity) end
        if #slots == 0 then mend(pool, number, block)
        elseif not orphan then return number, block, slots
        else first = first or {number, block, slots} end
      end
    end
  end
  if first then return first[1], first[2], first[3] end
end

local function pick(want)
  local pool, zones, left, together = want[1], want[2], want[3], want[4]
  local picked = {}
  wake_up(pool, zones)
  local function take(number, block, slots)
    mark(pool, number, block, slots)
    for i, slot in ipairs(slots) do slots[i] = slot - 1 end
    picked[#picked + 1] = {number, slots}
    left = left - #slots
  end
  if together then
    if left > 25 then return nil end
    local number, block, slots = side_by_side(pool, zones, left)
    if number == nil then return nil end
    take(number, block, slots)
    return picked
  end
  local number = nil
  if left <= 25 then
    if zones[1] == 0 then number = any_block(pool, left) else number = first_blocks(pool, zones, left, 1)[1] end
  end
  while left > 0 do
    number = number or roomiest(pool, zones)
    if number == nil then return nil end
    local block = known(pool, number)
    local slots = block and some(block, left) or {}
    if #slots == 0 then mend(pool, number, block) else take(number, block, slots) end
    number = nil
  end
  return picked
end

-- What is left where nothing could be picked: "leased", somebody is writing places now; "gone", every place is off sale
-- for good as far as is known; "held" otherwise.
local function state_of(pool, zones)
  local _, rooms, wakes = keys_of(pool)
  local state = 'gone'
  for _, zone in ipairs(zones) do
    local low = zone * ZONE
    if redis.call('ZCOUNT', wakes, low + now, low + now + lease) > 0 then return 'leased' end
    if redis.call('ZCOUNT', wakes, low, low + ZONE - 1) > 0 then state = 'held'
    elseif redis.call('ZCOUNT', rooms, zone * ROOM, (zone + 1) * ROOM - 1) > 0 then state = 'held' end
  end
  return state
end

for i, want in ipairs(wants) do
  local states, rooms = keys_of(want[1])
  if redis.call('HEXISTS', states, 'ready') == 0 then return {'unprepared', tostring(i - 1)} end
end
local answers = {}
for i, want in ipairs(wants) do
  local picked = pick(want)
  if picked == nil then
    for back = #undo, 1, -1 do
      local done = undo[back]
      for _, slot in ipairs(done[4]) do done[3].untils[slot[1]] = slot[2] end
      keep(done[1], done[2], done[3])
    end
    local finding = redis.call('HGET', KEYS[2], want[5]) or ''
    return {'short', tostring(i - 1), finding, state_of(want[1], want[2])}
  end
  answers[i] = picked
end
return {'picked', cmsgpack.pack(answers)}
"""
)

# Keys: a pool's blocks, room and wake. Argument: [now, off sale, seconds, last, [[number, head, untils], ...]].
SEED_LUA: Final = (
    _BLOCKS_LUA
    + r"""
local ask = cmsgpack.unpack(ARGV[1])
now, gone, expiry = ask[1], ask[2], ask[3]
for _, given in ipairs(ask[5]) do
  local number, head, taken = given[1], given[2], given[3]
  local block = {together = head[1] == 1, zone = head[3], stretches = {unpack(head, 4)},
    head = string.char(unpack(head)), changed = 0, untils = {}}
  for _, length in ipairs(block.stretches) do
    for _ = 1, length do block.untils[#block.untils + 1] = taken[#block.untils] or 0 end
  end
  write(KEYS[1], KEYS[2], KEYS[3], number, block)
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, expiry) end
if ask[4] then redis.call('HSET', KEYS[1], 'ready', '1') end
return 1
"""
)

# Keys: the findings of looks. Answers the generation, and the time of this clock in microseconds.
SINCE_LUA: Final = r"""
local time = redis.call('TIME')
return {redis.call('HGET', KEYS[1], 'generation') or '', string.format('%.0f', time[1] * 1000000 + time[2])}
"""

# Keys: the findings of looks. Arguments: the generation that was read before the look, field, value, seconds.
# Answers whether it was kept: a place freed meanwhile makes the look worthless.
NOTE_LUA: Final = r"""
if (redis.call('HGET', KEYS[1], 'generation') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
