/*
 * Counters of one account, in Lua, so that each call is one step for all processes. All keys of an account have the same
 * hash tag. KEYS: 1 marker, 2 holds, 3 leases, then the windows. ARGV[1] is JSON: `now` (by the caller's clock, for the
 * spans of windows), `lease` and `kept` in milliseconds, `windows` (limit, starts, age, lives, seed) in the order of their
 * keys, `reservations` (id, units, windows as places in that order, marker).
 *
 * - A window is a hash: s settled units, h held units, r the run of the server under which it is known to be whole.
 * - marker is `run time nonce`: since then (by the clock of who set it) this server has lost nothing of this account. A
 *   restarted or flushed server, or a replica that took over, has another run or no marker: its windows are worth as
 *   much as what the database adds, and reservations that came with another marker may have been lost.
 * - holds maps a reservation's id to its units, state (h held, s settled) and windows; leases has the ends of leases, by
 *   the server's clock, and of the time for which settled ones are remembered, so that they can be refunded.
 *
 * A script that meets a window it cannot vouch for changes nothing and answers {'seed', places…}: the caller asks
 * the database and calls again.
 */
const common = `
local marker, holds, leases = KEYS[1], KEYS[2], KEYS[3]
local call = cjson.decode(ARGV[1])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marked = redis.call('GET', marker)

local function window(place) return KEYS[3 + place] end

local function letGo(id, entry)
  for _, key in ipairs(entry.k) do
    if redis.call('EXISTS', key) == 1 then redis.call('HINCRBY', key, entry.t, -entry.u) end
  end
  redis.call('HDEL', holds, id)
  redis.call('ZREM', leases, id)
end

local function entryOf(id)
  local text = redis.call('HGET', holds, id)
  return text and cjson.decode(text)
end

local function remember(id, units, state, places, lives)
  local keys = {}
  for i, place in ipairs(places) do keys[i] = window(place) end
  redis.call('HSET', holds, id, cjson.encode({ u = units, t = state, k = keys }))
  redis.call('ZADD', leases, now + lives, id)
  local most = math.max(call.lease, call.kept) * 2
  redis.call('PEXPIRE', holds, most)
  redis.call('PEXPIRE', leases, most)
end

local function expire()
  for _, id in ipairs(redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE')) do
    local entry = entryOf(id)
    if entry and entry.t == 'h' then letGo(id, entry) end
    redis.call('HDEL', holds, id)
    redis.call('ZREM', leases, id)
  end
end

local function vouch()
  local since = marked and string.match(marked, '^' .. run .. ' (%d+) ')
  local unknown = { 'seed' }
  for place, given in ipairs(call.windows) do
    local key = window(place)
    local of = redis.call('HGET', key, 'r')
    if of ~= run then
      local fresh = not of and since and tonumber(since) <= given.starts and given.age < 60000
      if fresh or given.seed then
        local settled = tonumber(redis.call('HGET', key, 's') or 0)
        redis.call('HSET', key, 's', math.max(settled, given.seed or 0), 'r', run)
        redis.call('HINCRBY', key, 'h', 0)
        redis.call('PEXPIRE', key, given.lives)
      else
        unknown[#unknown + 1] = place
      end
    end
  end
  if #unknown > 1 then return unknown end
  if not since then
    marked = string.format('%s %.0f %s%06d', run, call.now, time[1], time[2])
    redis.call('SET', marker, marked, 'PX', 172800000)
  end
  return nil
end

local function used(place)
  local values = redis.call('HMGET', window(place), 's', 'h')
  return tonumber(values[1] or 0) + tonumber(values[2] or 0)
end

local function hold(id, units, places)
  for _, place in ipairs(places) do redis.call('HINCRBY', window(place), 'h', units) end
  remember(id, units, 'h', places, call.lease)
end

expire()
`;

/** → {'ok', marker} | {'full', place, used} | {'seed', places…} */
export const reserveScript = `${common}
local seed = vouch()
if seed then return seed end
local wanted = call.reservations[1]
if redis.call('HEXISTS', holds, wanted.id) == 1 then return { 'ok', marked } end
for _, place in ipairs(wanted.windows) do
  local units = used(place)
  if units + wanted.units > call.windows[place].limit then return { 'full', place, units } end
end
hold(wanted.id, wanted.units, wanted.windows)
return { 'ok', marked }
`;

/** All or none; what is no longer held is held anew where there is room. → {'ok'} | {'full'} | {'seed', places…} */
export const settleScript = `${common}
local seed = vouch()
if seed then return seed end
local due, more = {}, {}
for _, wanted in ipairs(call.reservations) do
  local entry = entryOf(wanted.id)
  if not entry then
    for _, place in ipairs(wanted.windows) do
      more[place] = (more[place] or 0) + wanted.units
      if used(place) + more[place] > call.windows[place].limit then return { 'full' } end
    end
  end
  if not entry or entry.t == 'h' then due[#due + 1] = { wanted, entry } end
end
for _, pair in ipairs(due) do
  local wanted, entry = pair[1], pair[2]
  if entry then letGo(wanted.id, entry) end
  for _, place in ipairs(wanted.windows) do redis.call('HINCRBY', window(place), 's', wanted.units) end
  remember(wanted.id, wanted.units, 's', wanted.windows, call.kept)
end
return { 'ok' }
`;

/** Prolongs what is held, and holds anew what came with another marker. → {'ok'} | {'seed', places…} */
export const renewScript = `${common}
local again = {}
for _, wanted in ipairs(call.reservations) do
  local entry = entryOf(wanted.id)
  if entry and entry.t == 'h' then
    redis.call('ZADD', leases, now + call.lease, wanted.id)
  elseif not entry and wanted.marker ~= marked then
    again[#again + 1] = wanted
  end
end
if #again == 0 then return { 'ok' } end
local seed = vouch()
if seed then return seed end
for _, wanted in ipairs(again) do
  local room = true
  for _, place in ipairs(wanted.windows) do
    if used(place) + wanted.units > call.windows[place].limit then room = false end
  end
  if room then hold(wanted.id, wanted.units, wanted.windows) end
end
return { 'ok' }
`;

/** Takes back what is in one of the states of \`take\` ('h', 's' or 'hs'). → {'ok'} */
export const takeBackScript = `${common}
for _, wanted in ipairs(call.reservations) do
  local entry = entryOf(wanted.id)
  if entry and string.find(call.take, entry.t, 1, true) then letGo(wanted.id, entry) end
end
return { 'ok' }
`;

/** Creates nothing. → {'ok', then 1 where the server vouches for the window, its settled and its held units} */
export const standingScript = `${common}
local standing = { 'ok' }
for place in ipairs(call.windows) do
  local values = redis.call('HMGET', window(place), 'r', 's', 'h')
  standing[#standing + 1] = values[1] == run and 1 or 0
  standing[#standing + 1] = tonumber(values[2] or 0)
  standing[#standing + 1] = tonumber(values[3] or 0)
end
return standing
`;
