"""The script behind `hints`: one call that answers a repeated request, corrects what is known, and picks places.

Keys, all of one event's hash tag: 1 the Idempotency-Key's record, 2 the findings of looks, then for every pool three:
blocks (hash: number to state), room (sorted set: what a block still has) and wake (sorted set: when a hold runs out).

A block's state is one byte each for whether neighbours count, the number of its stretches, its zone and the stretches'
lengths, and for every slot its until in four bytes, 0 for free. A score in `room` is zone * 2^26 + room * 2^20 +
number, so that one range finds the first block of a zone with exactly that room. General places are zone 0.

Arguments: 1 in MessagePack {now, lease, sold, seconds, seed, freed, key, tell, want} as `hints.py` builds it, 2 the
answer to keep.
"""

from __future__ import annotations

from typing import Final

LUA: Final = r"""
local ask = cmsgpack.unpack(ARGV[1])
local now, lease = ask.now, ask.lease
local BLOCK, ROOM = 1048576, 67108864

local function keys_of(pool) return KEYS[3 + pool * 3], KEYS[4 + pool * 3], KEYS[5 + pool * 3] end

local function read(raw)
  local together, count = string.byte(raw, 1, 2)
  local block = {together = together == 1, zone = string.byte(raw, 3), stretches = {string.byte(raw, 4, 3 + count)},
    head = string.sub(raw, 1, 3 + count), untils = {}}
  local at, slot = 4 + count, 0
  while at <= #raw do
    slot = slot + 1
    block.untils[slot], at = struct.unpack('<I4', raw, at)
  end
  return block
end

local function free_runs(block)
  local runs, start = {}, 1
  for _, length in ipairs(block.stretches) do
    local begin = start
    for slot = start, start + length do
      if slot == start + length or block.untils[slot] >= now then
        if slot > begin then runs[#runs + 1] = {begin, slot - begin} end
        begin = slot + 1
      end
    end
    start = start + length
  end
  return runs
end

local function write(pool, number, block)
  local states, rooms, wakes = keys_of(pool)
  local parts, room, wake = {block.head}, 0, nil
  for slot, till in ipairs(block.untils) do
    parts[slot + 1] = struct.pack('<I4', till)
    if till >= now and till < ask.sold and (wake == nil or till < wake) then wake = till end
  end
  for _, run in ipairs(free_runs(block)) do
    if block.together then room = math.max(room, run[2]) else room = room + run[2] end
  end
  redis.call('HSET', states, number, table.concat(parts))
  -- A sorted set that was empty is a new key, which has no expiry yet.
  local function put(key, score)
    if score == nil then redis.call('ZREM', key, number)
    elseif redis.call('ZADD', key, score, number) == 1 and redis.call('ZCARD', key) == 1 then
      redis.call('EXPIRE', key, ask.seconds)
    end
  end
  put(rooms, room > 0 and block.zone * ROOM + room * BLOCK + number or nil)
  put(wakes, wake)
end

local function known(pool, number)
  local raw = redis.call('HGET', (keys_of(pool)), number)
  return raw and read(raw)
end

if ask.key then
  local record = redis.call('GET', KEYS[1])
  if ask.key.answer then
    redis.call('SET', KEYS[1], 'A' .. ask.key.hash .. ARGV[2], 'PX', ask.key.milliseconds)
  elseif ask.key.forget then
    if record == 'F' .. ask.key.hash then redis.call('DEL', KEYS[1]) end
  elseif record then
    if string.sub(record, 2, 33) ~= ask.key.hash then return {'other'} end
    if string.sub(record, 1, 1) == 'F' then return {'flight'} end
    return {'answer', string.sub(record, 34)}
  else
    redis.call('SET', KEYS[1], 'F' .. ask.key.hash, 'PX', ask.key.milliseconds)
  end
end

-- What a caller has seen in the table. A slot leased to somebody who is writing it now stays leased.
for _, told in ipairs(ask.tell) do
  local pool, number, untils, exact = told[1], told[2], told[3], told[4]
  local block = known(pool, number)
  if block then
    for slot, till in pairs(untils) do
      local before = block.untils[slot + 1]
      local leased = before and before > now and before <= now + lease
      if before and (exact or till >= now or not leased) then block.untils[slot + 1] = till end
    end
    write(pool, number, block)
  end
end
if ask.freed then
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
  write(pool, number, block)
end

local function wake_up(pool)
  local _, _, wakes = keys_of(pool)
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', wakes, '-inf', now - 1, 'LIMIT', 0, 64)) do
    local block = known(pool, number)
    if block then write(pool, tonumber(number), block) else redis.call('ZREM', wakes, number) end
  end
end

local function first_block(pool, zones, quantity)
  local _, rooms = keys_of(pool)
  local best = nil
  for _, zone in ipairs(zones) do
    for room = quantity, 25 do
      local low = zone * ROOM + room * BLOCK
      local found = redis.call('ZRANGEBYSCORE', rooms, low, low + BLOCK - 1, 'LIMIT', 0, 1)[1]
      if found and (best == nil or tonumber(found) < best) then best = tonumber(found) end
    end
  end
  return best
end

local function any_block(pool, zone, quantity)
  local _, rooms = keys_of(pool)
  local low, high = zone * ROOM + quantity * BLOCK, (zone + 1) * ROOM - 1
  local count = redis.call('ZCOUNT', rooms, low, high)
  if count == 0 then return nil end
  return tonumber(redis.call('ZRANGEBYSCORE', rooms, low, high, 'LIMIT', ask.seed % count, 1)[1])
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
  return best, most
end

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
  if best == nil then return {} end
  local slots = {}
  for i = 1, quantity do slots[i] = best[3] + i - 1 end
  return slots
end

local function some(block, quantity)
  local slots = {}
  for slot, till in ipairs(block.untils) do
    if till < now and #slots < quantity then slots[#slots + 1] = slot end
  end
  return slots
end

local function pick(want)
  local pool, zones, left, together = want[1], want[2], want[3], want[4]
  local picked = {}
  wake_up(pool)
  local number = nil
  if left <= 25 then
    if zones[1] == 0 then number = any_block(pool, 0, left) else number = first_block(pool, zones, left) end
  end
  while left > 0 do
    if number == nil then
      if together then return nil end
      number = roomiest(pool, zones)
      if number == nil then return nil end
    end
    local block = known(pool, number)
    local slots = {}
    if block then slots = together and neighbours(block, left) or some(block, left) end
    if #slots == 0 then
      -- The sets and the states disagree (one of them was evicted): the state wins, and without one the block goes.
      local _, rooms = keys_of(pool)
      if block then write(pool, number, block) else redis.call('ZREM', rooms, number) end
      if together then return nil end
    else
      mark(pool, number, block, slots)
      for i, slot in ipairs(slots) do slots[i] = slot - 1 end
      picked[#picked + 1] = {number, slots}
      left = left - #slots
    end
    number = nil
  end
  return picked
end

local answers = {}
for i, want in ipairs(ask.want) do
  local states, rooms = keys_of(want[1])
  if redis.call('HEXISTS', states, 'ready') == 0 then return {'unprepared', tostring(i - 1)} end
end
for i, want in ipairs(ask.want) do
  local picked = pick(want)
  if picked == nil then
    for back = #undo, 1, -1 do
      local done = undo[back]
      for _, slot in ipairs(done[4]) do done[3].untils[slot[1]] = slot[2] end
      write(done[1], done[2], done[3])
    end
    return {'short', tostring(i - 1), redis.call('HGET', KEYS[2], want[5]) or ''}
  end
  answers[i] = picked
end
return {'picked', cmsgpack.pack(answers)}
"""

# Keys: a pool's blocks, room and wake. Argument: {now, sold, last, blocks: [[number, head, untils], ...]}.
SEED_LUA: Final = r"""
local ask = cmsgpack.unpack(ARGV[1])
local BLOCK, ROOM = 1048576, 67108864
for _, given in ipairs(ask.blocks) do
  local number, head, untils = given[1], given[2], given[3]
  local together, zone, room, wake, slot = head[1] == 1, head[3], 0, nil, 0
  local parts = {string.char(unpack(head))}
  for i = 4, #head do
    local run = 0
    for _ = 1, head[i] do
      local till = untils[slot] or 0
      parts[#parts + 1] = struct.pack('<I4', till)
      slot = slot + 1
      if till < ask.now then
        run = run + 1
        room = together and math.max(room, run) or room + 1
      else
        run = 0
        if till < ask.sold and (wake == nil or till < wake) then wake = till end
      end
    end
  end
  redis.call('HSET', KEYS[1], number, table.concat(parts))
  if room > 0 then redis.call('ZADD', KEYS[2], zone * ROOM + room * BLOCK + number, number)
  else redis.call('ZREM', KEYS[2], number) end
  if wake then redis.call('ZADD', KEYS[3], wake, number) else redis.call('ZREM', KEYS[3], number) end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ask.seconds) end
if ask.last then redis.call('HSET', KEYS[1], 'ready', '1') end
return 1
"""

# Keys: the findings of looks. Arguments: the generation that was read before the look, field, value, seconds.
# Answers whether it was kept: a place freed meanwhile makes the look worthless.
NOTE_LUA: Final = r"""
if (redis.call('HGET', KEYS[1], 'generation') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
