/**
 * Divides an endpoint's requests in flight among processes, in one round trip.
 *
 * Our own Lua, because existing semaphores on Redis (redis-semaphore, bottleneck) take a permit for each call, so thousands of
 * calls a second would each wait for Redis. Here a process gets a part about once a second and works within it.
 *
 * The rule that keeps the sum within the limit: what a process *holds* is the most that it may have in flight until its next
 * report, and a part grows only into what no process holds. A process whose part shrinks reports next that it holds less; one
 * that has not reported for the length of a lease has stopped by itself, and holds nothing.
 *
 * KEYS[1]: one hash for an endpoint. ARGV: process, lease in ms, demand, held, limit, "1" where that limit is new,
 * ceiling or "" where the process does not lead, ms that the endpoint has asked to wait, "1" after a 429.
 * Returns: part, limit, ceiling, leads (1 or 0), ms to wait before calling the endpoint, number of cuts, process that cut last.
 */
export const SHARE_SCRIPT = `
local key, me, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
local demand, held = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A server that has just started may not know what others hold: for a lease, parts do not grow.
if redis.call('EXISTS', key) == 0 then
  local up = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
  redis.call('HSET', key, 'opens', now + math.max(0, lease - math.max(0, tonumber(up or 0) - 1) * 1000))
end

local shared, members = {}, {}
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  local id = string.match(fields[i], '^process:(.+)$')
  if id then
    local d, h, ends = string.match(fields[i + 1], '^(%d+) (%d+) (%d+)$')
    if tonumber(ends) > now then
      members[id] = { id = id, demand = tonumber(d), held = tonumber(h) }
    else
      redis.call('HDEL', key, fields[i])
    end
  else
    shared[fields[i]] = fields[i + 1]
  end
end
members[me] = { id = me, demand = demand, held = held }

local limit = tonumber(ARGV[6] ~= '1' and shared.limit or ARGV[5])
local leader = shared.leader
if not leader or not members[leader] or (members[leader].demand == 0 and demand > 0) then leader = me end
local ceiling = tonumber(shared.ceiling) or limit
if ARGV[7] ~= '' and shared.leader == me then ceiling = tonumber(ARGV[7]) end
local closed = math.max(tonumber(shared.closed or 0), now + tonumber(ARGV[8]))
local cuts, cutter = tonumber(shared.cuts or 0), shared.cutter or ''
if ARGV[9] == '1' then cuts, cutter = cuts + 1, me end

-- Max-min fairness: nobody gets more than it wants while another wants more than it gets; what is left goes to all alike.
local list = {}
for _, member in pairs(members) do
  if member.demand > 0 then table.insert(list, member) end
end
table.sort(list, function(a, b)
  if a.demand ~= b.demand then return a.demand < b.demand end
  return a.id < b.id
end)
local left = math.max(1, math.min(limit, ceiling))
for i, member in ipairs(list) do
  member.part = math.min(member.demand, math.floor(left / (#list - i + 1)))
  left = left - member.part
end
for i, member in ipairs(list) do
  local more = math.floor(left / (#list - i + 1))
  member.part = member.part + more
  left = left - more
end

local free = limit
for id, member in pairs(members) do
  if id ~= me then free = free - member.held end
end
if tonumber(shared.opens or 0) > now then free = math.min(free, held) end
local part = math.max(0, math.min(members[me].part or 0, free))
redis.call('HSET', key, 'process:' .. me, demand .. ' ' .. math.max(part, held) .. ' ' .. (now + lease),
  'limit', limit, 'leader', leader, 'ceiling', ceiling, 'closed', closed, 'cuts', cuts, 'cutter', cutter)
redis.call('PEXPIRE', key, math.max(600000, closed - now + lease))
return { part, limit, ceiling, leader == me and 1 or 0, closed - now, cuts, cutter }
`;
