-- The task store when it is killed, or refused something, at every system call of every change.
--
-- AGENTLUA_SECONDS is about how long this may take (40; 0 for every point): what does not fit is left
-- out evenly. AGENTLUA_POINT runs one point that a failure has named, like "move openat 31 EMFILE".

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local injection = require "faults"
local faults = require "store_faults"

local budget = tonumber(os.getenv "AGENTLUA_SECONDS" or 40)
local only = os.getenv "AGENTLUA_POINT"
local refused = injection.untraceable()

local reasons = {
  ENOSPC = "No space left on device", EDQUOT = "Disk quota exceeded", EIO = "Input/output error",
  EROFS = "Read-only file system", EACCES = "Permission denied", EMFILE = "Too many open files",
}
local failing = { "openat", "write", "fsync", "renameat2", "unlink", "mkdir", "flock", "fcntl" }

-- ---- points ---------------------------------------------------------------------------------------

local function name_of(point)
  return ("%s %s %d %s"):format(point.change, point.call.name, point.call.nth, point.fault)
end

local sums = { points = 0, run = 0 }

-- Tries as many of the points as fit into `seconds`, two at a time; fails with all that was wrong.
local function try_all(points, seconds, try)
  assert(#points > 0, "no such call was seen")
  local order, next_one = injection.spread(#points), 0
  local deadline = budget > 0 and not only and core.time.clock() + seconds or math.huge
  local bad, run = {}, 0
  local function work()
    while next_one < #order and core.time.clock() < deadline do
      next_one = next_one + 1
      local point = points[order[next_one]]
      if not only or only == name_of(point) then
        local wrong = try(point)
        run = run + 1
        if #wrong > 0 then bad[#bad + 1] = name_of(point) .. ": " .. table.concat(wrong, "; ") end
      end
    end
  end
  fiber.run(function()
    local group <close> = fiber.group()
    group:spawn(work)
    group:spawn(work)
    group:wait()
  end)
  sums.points, sums.run = sums.points + #points, sums.run + run
  table.sort(bad)
  local shown, step = {}, math.max(1, #bad / 12)
  for i = 1, math.min(#bad, 12) do shown[i] = bad[math.ceil(i * step)] end
  assert(#bad == 0, ("%d of %d points failed; some of them:\n%s"):format(#bad, run, table.concat(shown, "\n")))
end

local function describe_points(name, fn)
  describe(name, function()
    before_each(support.setup)
    after_each(support.teardown)
    if refused then
      it("at every system call", function() pending(refused) end)
      return
    end
    fn()
  end)
end

-- ---- killed ---------------------------------------------------------------------------------------

local function kill(point)
  local dir, result, happened = faults.inject(point.change, point.call, "signal=KILL")
  if not happened then return { "was not killed: code " .. result.code .. " " .. result.stderr } end
  local wrong, seen = faults.check(point.change, dir)
  local more = faults.check_after(dir, seen)
  return table.move(more, 1, #more, #wrong + 1, wrong)
end

describe_points("store, killed:", function()
  for _, change in ipairs(faults.changes) do
    it(change, function()
      local points = {}
      for _, call in ipairs(faults.plan(change).calls) do
        points[#points + 1] = { change = change, call = call, fault = "KILL" }
      end
      try_all(points, budget * 0.4 * (change == "life" and 0.3 or 0.1), kill)
    end)
  end

  it("at 600 points or more", function()
    local count = 0
    for _, change in ipairs(faults.changes) do count = count + #faults.plan(change).calls end
    assert(count >= 600, count)
  end)
end)

-- ---- refused --------------------------------------------------------------------------------------

local function points_of(call_name, changes, errors)
  local points = {}
  for _, change in ipairs(changes) do
    local plan = faults.plan(change)
    for i = 1, plan.inside do
      if plan.calls[i].name == call_name then
        for _, fault in ipairs(errors) do
          points[#points + 1] = { change = change, call = plan.calls[i], fault = fault }
        end
      end
    end
  end
  return points
end

-- The error must be that of the system, about a file of this store.
local function check_message(point, dir, text, say)
  local reason = reasons[point.fault]
  if not reason then return say("the user sees: %s", text) end
  if not text:find(reason, 1, true) then say("no reason in: %s", text) end
  if not text:find(dir .. "/", 1, true) then say("no file in: %s", text) end
end

local function refuse(point)
  local dir, result, happened = faults.inject(point.change, point.call, "error=" .. point.fault)
  if not happened then return { "was not refused: code " .. result.code .. " " .. result.stderr } end
  local text = result.stderr:gsub("\n$", "")
  local wrong, seen = faults.check(point.change, dir, result.code == 0)
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  if result.code > 3 or result.signal ~= 0 then
    say("code %d, signal %d: %s", result.code, result.signal, text)
  elseif result.code ~= 0 then
    check_message(point, dir, text, say)
  end
  for _, path in ipairs(seen.temporaries) do
    -- The one that was there before is swept by who may; what cannot be unlinked stays.
    local stays = path == "done/.tmp.1.0" or point.call.name == "unlink" and point.fault ~= "EINTR"
    if not stays then say("left: %s", path) end
  end
  local more = faults.check_after(dir, seen)
  return table.move(more, 1, #more, #wrong + 1, wrong)
end

local changes_only = table.move(faults.changes, 1, #faults.changes - 1, 1, {}) -- a life repeats them
local lasting = { "ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EMFILE" }

describe_points("store, refused:", function()
  for _, name in ipairs(failing) do
    it(name, function()
      try_all(points_of(name, changes_only, lasting), budget * 0.5 * (name == "openat" and 0.4 or 0.075), refuse)
    end)
    it(name .. ", interrupted, which nobody sees", function()
      try_all(points_of(name, faults.changes, { "EINTR" }), budget * 0.1 / #failing, refuse)
    end)
  end

  -- A host that goes on after an error must not be in its own way.
  it("when tasks of dead owners are taken over, which can be tried again", function()
    local change = "recover-again"
    local function again(point)
      local dir, result, happened = faults.inject(change, point.call, "error=" .. point.fault)
      if not happened then return { "was not refused" } end
      if result.code ~= 0 then return { "code " .. result.code .. ": " .. result.stderr } end
      return (faults.check(change, dir, true))
    end
    local points = points_of("openat", { change }, { "EMFILE", "EIO" })
    try_all(points, budget * 0.05, again)
  end)
end)

-- ---- hostile --------------------------------------------------------------------------------------

describe("store, with a hostile file:", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("members that never end do not keep the others waiting", function()
    local dir = faults.prepare "claim"
    local members = {}
    for i = 1, 700000 do members[i] = (',"%x":1'):format(i) end
    faults.write(dir .. "/todo/many.json", '{"id":"many","name":"b"' .. table.concat(members) .. "}")
    assert(core.fs.stat(dir .. "/todo/many.json").size < 8 << 20)
    local result = assert(process.run { faults.driver, "claim", dir, contain = false, timeout = 60 })
    assert.is_nil(result.bound, "8 MiB take longer than a minute")
    assert.equal(0, result.code)
  end)
end)

if not refused then
  teardown(function() print(("\n%d of %d points were tried"):format(sums.run, sums.points)) end)
end
