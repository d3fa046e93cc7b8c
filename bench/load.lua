-- Load for one cell: `wrk ... -s load.lua URL -- KIND TEXT_SMALL TEXT_BIG TEXT_CROWD SHAPE_SMALL SHAPE_BIG FIRST`
--   same_small, same_big    one operation on one user, again and again
--   new_small, new_big      one user, the root field under a new alias each time
--   users_small, users_big  a new user each time
--   crowd_small             CROWD new users at once
--   mixed                   of twenty: fourteen same_small, three same_big, two new_small, one users_small
-- TEXT holds {alias}; a user's id is SHAPE and a serial number of seven digits, counted up from FIRST.
local kind, texts, shapes, serial, calls = nil, {}, {}, 0, 0
local MIX = { "users_small", "new_small", "new_small", "same_big", "same_big", "same_big" }

local CROWD = 20

local function body(name, alias, number)
  local text = texts[name]:gsub("{alias}", alias)
  local user = shapes[name] .. string.format("%07d", number)
  return '{"query":"' .. text .. '","variables":{"id":"' .. user .. '"}}'
end

local fixed = {}

local function same(name)
  return fixed[name]
end

local function new(name)
  calls = calls + 1
  return wrk.format(nil, nil, nil, body(name, "r" .. calls .. "x" .. serial, 0))
end

local function users(name)
  serial = serial + 1
  return wrk.format(nil, nil, nil, body(name, "user", serial))
end

local function crowd(name)
  local by = {}
  for place = 1, CROWD do
    serial = serial + 1
    by[place] = '{"id":"' .. shapes[name] .. string.format("%07d", serial) .. '"}'
  end
  local text = texts.crowd:gsub("{alias}", "users")
  return wrk.format(nil, nil, nil, '{"query":"' .. text .. '","variables":{"by":[' .. table.concat(by, ",") .. ']}}')
end

local MAKERS = { same = same, new = new, users = users, crowd = crowd }

local function make(what)
  local maker, name = what:match("(%a+)_(%a+)")
  return MAKERS[maker](name)
end

function init(args)
  kind = args[1]
  texts = { small = args[2], big = args[3], crowd = args[4] }
  shapes = { small = args[5], big = args[6] }
  serial = tonumber(args[7])
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  for _, name in ipairs({ "small", "big" }) do
    fixed[name] = wrk.format(nil, nil, nil, body(name, "user", 0))
  end
end

local turn = 0

function request()
  if kind ~= "mixed" then return make(kind) end
  turn = (turn + 7) % 20 -- passes through all twenty, the kinds well mixed
  return make(MIX[turn + 1] or "same_small")
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
