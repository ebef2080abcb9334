-- Landing, discarding, restoring and checkpoints when the host is killed, or refused something, at every
-- system call by which it changes files or refs, or while a git of it is at work. Its gits outlive it. Then
-- comes the next run, and the command again: all ends as it does without a fault, and nothing is left.
--
-- AGENTLUA_SECONDS is about how long this may take (25; 0 for every point): what does not fit is left out
-- evenly. AGENTLUA_POINT runs one point that a failure has named, like "discard: pool unlinkat 3 KILL".

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
package.path = "tests/torture/?.lua;" .. package.path
local faults = require "faults"
local git_faults = require "git_faults"

local budget = tonumber(os.getenv "AGENTLUA_SECONDS" or 25)
local only = os.getenv "AGENTLUA_POINT"
local untraceable = faults.untraceable()

local refusable = {
  openat = true, write = true, fsync = true, link = true, unlink = true, unlinkat = true, mkdir = true, rmdir = true,
  renameat2 = true, rename = true,
}
local sums = { points = 0, run = 0 }

local function name_of(point, fault) return ("%s: %s %s %d %s"):format(point.change, point.thread, point.name,
  point.nth, fault) end

-- All pairs of a point and a fault, in an order that is even wherever it is cut off.
local function pairs_of(points)
  local all = {}
  for _, point in ipairs(points) do
    all[#all + 1] = { point, "KILL" }
    for _, errno in ipairs(refusable[point.name] and { ({ "ENOSPC", "EIO", "EACCES" })[#all % 3 + 1] } or {}) do
      all[#all + 1] = { point, errno }
    end
    if point.name == "clone3" then all[#all + 1] = { point, "EAGAIN" } end
  end
  local order = {}
  for i, k in ipairs(faults.spread(#all)) do order[i] = all[k] end
  return order
end

local function try_all(change, seconds)
  local deadline = budget > 0 and not only and core.time.clock() + seconds or math.huge
  local bad, run, order, next_one = {}, 0, nil, 0
  local function work(slot)
    local w = git_faults.new(change, slot)
    order = order or pairs_of(w.points)
    while next_one < #order and (next_one == 0 or core.time.clock() < deadline) do -- one in any case
      next_one = next_one + 1
      local point, fault = table.unpack(order[next_one])
      local name = name_of(point, fault)
      if not only or only == name then
        local wrong, happened = git_faults.try(w, point, (fault == "KILL" and "signal=" or "error=") .. fault)
        run = run + (happened and 1 or 0)
        if #wrong > 0 then bad[#bad + 1] = name .. ": " .. table.concat(wrong, "; ") end
      end
    end
  end
  fiber.run(function()
    local group <close> = fiber.group()
    group:spawn(work, 1)
    if budget > 100 or budget == 0 then group:spawn(work, 2) end
    group:wait()
  end)
  sums.points, sums.run = sums.points + #order, sums.run + run
  table.sort(bad)
  assert(#bad == 0, ("%d of %d points failed:\n%s"):format(#bad, run, table.concat(bad, "\n")))
end

describe("a repository, when the host is cut short:", function()
  local names = {}
  for name in pairs(git_faults.changes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name, function()
      if untraceable then return pending(untraceable) end
      if only and not only:find(name .. ": ", 1, true) then return end
      try_all(name, budget / #names)
    end)
  end
end)

teardown(function()
  git_faults.close()
  print(("\n%d of %d points were tried"):format(sums.run, sums.points))
end)
