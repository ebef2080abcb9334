-- A run of ten tasks that is stopped and killed at random moments, and started again each time: every task lands
-- once, nothing of anybody is lost, nothing is left over, no attempt counts as failed. Some rounds meet usage
-- limits, or the end of their budget.
--
-- AGENTLUA_SECONDS bounds it (25; 0 for 50 stops and 50 kills). AGENTLUA_SEED repeats the round that a failure
-- names, as far as the machine does.

local core = require "agentlua.core"
package.path = "tests/torture/?.lua;" .. package.path
local checks = require "loop_checks"
local world = require "loop_world"

local budget = tonumber(os.getenv "AGENTLUA_SECONDS" or 25)
local only = tonumber(os.getenv "AGENTLUA_SEED")
local rounds = 25

local function names(of)
  local list = {}
  for name in pairs(of) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- Two stops and two kills, in any order: three times killed, a task is poison.
local function plan()
  local stops, kills, list = names(world.stops), names(world.kills), {}
  for _ = 1, 2 do
    table.insert(list, math.random(#list + 1), stops[math.random(#stops)])
    table.insert(list, math.random(#list + 1), kills[math.random(#kills)])
  end
  return list
end

-- After which events runs were cut short, and how often.
local moments = {}
local function print_moments()
  local list = {}
  for i, name in ipairs(names(moments)) do list[i] = name .. " " .. moments[name] end
  print("cut short after: " .. table.concat(list, ", "))
end

local function try(seed)
  local w = world.new(seed, 10, { limits = seed % 3 == 0, budget = seed % 4 == 0 })
  local wrong, cuts = {}, plan()
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  for _, name in ipairs(cuts) do
    local moment = world.cut_short(w, name, say)
    moments[moment] = (moments[moment] or 0) + 1
  end
  world.finish(w, 3, say)
  checks.all(w, say)
  if #wrong > 0 then table.insert(wrong, 1, table.concat(cuts, ", ")) end
  world.close(w, #wrong == 0)
  return wrong
end

describe("a loop", function()
  it("that is stopped and killed at random moments does each task once", function()
    local first, bad, tried = only or os.time() % 100000, {}, 0
    local deadline = budget > 0 and core.time.clock() + budget or math.huge
    repeat
      for _, text in ipairs(try(first + tried)) do bad[#bad + 1] = ("seed %d: %s"):format(first + tried, text) end
      tried = tried + 1
    until only or tried == rounds or core.time.clock() > deadline
    print(("%d rounds of 2 stops and 2 kills, seeds from %d"):format(tried, first))
    print_moments()
    assert(#bad == 0, table.concat(bad, "\n"))
  end)
end)
