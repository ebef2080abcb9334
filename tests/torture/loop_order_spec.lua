-- Thirty tasks that depend on each other and share files and names, worked on four at a time by one run or by
-- two, one of which may be killed: who depends starts from a base that has the work, who shares is never at work
-- at once, history is linear.
-- Once each; five times with AGENTLUA_SECONDS=0. AGENTLUA_SEED repeats a world that a failure names.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
package.path = "tests/torture/?.lua;" .. package.path
local checks = require "loop_checks"
local world = require "loop_world"

local only = tonumber(os.getenv "AGENTLUA_SEED")
local repeats = not only and os.getenv "AGENTLUA_SECONDS" == "0" and 5 or 1
local first = only or os.time() % 100000

-- Who shares a file has the work of all who had it before: their lines are in order of the landings.
local function check_lines(w, say)
  local place = {}
  for i, line in ipairs(checks.lines(w:git("log", "--reverse", "--format=%s", w.branch))) do
    place[line:match "%[task:(%x+)%]$" or line] = i
  end
  local by_file = {}
  for _, task in ipairs(w.tasks) do
    for _, file in ipairs(task.files) do by_file[file] = true end
  end
  for file in pairs(by_file) do
    local last = 0
    for _, id in ipairs(checks.lines(w:read(file) or "")) do
      local at = place[core.text.id8(id)] or 0
      if at <= last then say("%s is not in order at %s", file, id) end
      last = at
    end
  end
end

-- `kills`: as many times the first of the runs that go on is killed, and another one started.
local function try(seed, runners, kills)
  local w = world.new(seed, 30)
  local wrong, running, killed = {}, {}, 0
  local function say(...) wrong[#wrong + 1] = ("seed %d: "):format(seed) .. string.format(...) end
  for i = 1, runners do running[i] = world.start(w, 4 // runners) end
  local most = 0
  while #running > 0 do
    most = math.max(most, w:count "in-progress")
    if killed < kills and world.wait_a_while(w, running[1]) then
      running[1]:kill()
      table.remove(running, 1):wait()
      running[#running + 1], killed = world.start(w, 4 // runners), killed + 1
    end
    for i = #running, 1, -1 do
      if running[i]:finished() then
        local result = table.remove(running, i):wait()
        if result.code ~= 0 then say("a run ends with %d: %s", result.code, result.stdout) end
      end
    end
    fiber.sleep(0.01)
  end
  if most < 2 or most > 4 then say("%d tasks at once", most) end
  if killed > 0 then world.finish(w, 1, say) end -- sweeps what was too young for the runs that followed
  checks.all(w, say)
  check_lines(w, say)
  world.close(w, #wrong == 0)
  assert(#wrong == 0, table.concat(wrong, "\n"))
end

describe("thirty tasks in order, each alone with what is its own,", function()
  local function all(runners, kills)
    for i = 0, repeats - 1 do try(first + i, runners, kills) end
    print(("%d times, seeds from %d"):format(repeats, first))
  end
  it("by a run of four jobs", function() all(1, 0) end)
  it("by two runs of two jobs", function() all(2, 0) end)
  it("by two runs of two jobs, one of which is killed twice", function() all(2, 2) end)
end)
