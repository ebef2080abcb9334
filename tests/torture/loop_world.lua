-- A project whose tasks depend on each other and share files and names, in an order of a seed; its runs are
-- stopped and killed; and a look at what must be true of it in the end.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = dofile "tests/runs/support.lua"

local M = {}

local shared = { "shared/0.txt", "shared/1.txt", "shared/2.txt" }

-- ---- tasks ----------------------------------------------------------------------------------------

-- What task `i` waits for: a chain, a diamond, then up to two of those before it.
local fixed = { {}, { 1 }, { 2 }, {}, { 4 }, { 4 }, { 5, 6 } }
local function dependencies_of(i)
  local list, seen = core.json.array(), {}
  local function add(n)
    if not seen[n] then list[#list + 1] = ("t%02d"):format(n) end
    seen[n] = true
  end
  for _, n in ipairs(fixed[i] or {}) do add(n) end
  for _ = 1, fixed[i] and 0 or math.random(0, 2) do add(math.random(i - 1)) end
  return list
end

-- What a task claims for itself; and the files that it appends to, and the names of all of that.
local function claims_of()
  local touches, resources, files = core.json.array(), core.json.array(), {}
  if math.random(10) == 1 then
    touches[1], files = "shared/**", shared
  else
    for _, file in ipairs(shared) do
      if math.random(4) == 1 then touches[#touches + 1], files[#files + 1] = file, file end
    end
  end
  local names = {}
  for i, file in ipairs(files) do names[i] = file:match "([^/]*)$" end
  if math.random(5) == 1 then resources[1], names[#names + 1] = "db", "db" end
  return touches, resources, files, names
end

local function new_task(i)
  local touches, resources, files, names = claims_of()
  return {
    id = ("t%02d"):format(i), name = ("task %d"):format(i), dependencies = dependencies_of(i), touches = touches,
    resources = resources, files = files,
    description = ("append to %s\nalone with %s"):format(table.concat(files, " "), table.concat(names, " ")),
  }
end

--- A world of `count` tasks with a user's unfinished work in it. Options: limits, budget = whether agents meet a
--- limit, and the money of a run is not enough for all.
function M.new(seed, count, options)
  math.randomseed(seed)
  local w = support.new()
  w.seed, w.tasks, w.agent_path = seed, {}, w:agent "fickle"
  w.env.SEED, w.env.LIMITS = tostring(seed), options and options.limits and "1" or nil
  local money = options and options.budget and ("{ run = { usd = %g } }"):format(count * 0.03) or "{}"
  w:config(([[
    setup = { "sh", "-c", "sleep 0.02; echo made >setup.env" }, stop_grace = 1, budget = %s,
    verify = { { name = "whole", argv = { "sh", "-c",
      'sleep 0.02; for f in work/*; do [ "$(cat "$f" | wc -l)" = 4 ] || exit 1; done' } } },
  ]]):format(money))
  local lines = {}
  for i = 1, count do
    w.tasks[i] = new_task(i)
    local task = {}
    for key, value in pairs(w.tasks[i]) do task[key] = key ~= "files" and value or nil end
    lines[i] = core.json.dump(task)
  end
  w:write("../tasks.jsonl", table.concat(lines, "\n") .. "\n")
  assert(w:al("task", "import", w.top .. "/tasks.jsonl").code == 0)
  w:git("add", "-A")
  w:git("commit", "-q", "-m", "configuration")
  w:make_user_work()
  w.start_commit, w.before, w.before_all = w:git("rev-parse", "HEAD"), w:user_work(), w:untouchable()
  w.users_act = true -- it is looked at in the end
  return w
end

-- ---- runs -----------------------------------------------------------------------------------------

function M.start(w, jobs)
  return w:start("run", "execute.lua", "--agent", w.agent_path, "--jobs", tostring(jobs))
end

local function log_size(w) return (core.fs.stat(w.root .. "/.agentlua/events.jsonl") or { size = 0 }).size end

-- Bytes that a task adds to the log.
local log_per_task = 2500

--- Waits until some time into a run: when so much more has happened, at most half of what is left to be done, and a
--- moment after. False when it is over.
function M.wait_a_while(w, child)
  local size = log_size(w) + math.random(0, (#w.tasks - w:count "done") * log_per_task // 2)
  local pause = math.random(0, 60) / 1000
  while not child:finished() and log_size(w) < size do fiber.sleep(0.004) end
  fiber.sleep(pause)
  return not child:finished()
end

local function kill(signal, ...) process.run { "kill", "-" .. signal, "--", ... } end

-- A task that is worked on now, when there is one. It shares no file: while it is held others would change that,
-- and that is a conflict.
local function task_to_hold(w)
  local may, running = {}, {}
  for _, task in ipairs(w.tasks) do
    if #task.files == 0 then may[#may + 1], may[task.id] = task.id, true end
  end
  for _, name in ipairs(core.fs.list(w.root .. "/.agentlua/tasks/in-progress") or {}) do
    local id = (w:read(".agentlua/tasks/in-progress/" .. name) or ""):match '"id":%s*"(t%d+)"'
    if may[id] then running[#running + 1] = id end
  end
  local from = #running > 0 and running or may
  return from[math.random(#from)]
end

-- How a run can be cut short: each gets the world and its pid, and says the exit codes that it may have then.
M.stops = {
  INT = function(_, pid)
    kill("INT", pid)
    return { [130] = true }
  end,
  TERM = function(_, pid)
    kill("TERM", pid)
    return { [143] = true }
  end,
  stop = function(w)
    assert(w:al("stop").code == 0)
    return { [0] = true }
  end,
  ["stop TASK"] = function(w)
    w.held = task_to_hold(w)
    w:al("stop", w.held) -- which is refused when the task is done just then
    return { [0] = true }
  end,
}
M.kills = {
  host = function(_, pid) kill("KILL", pid) end,
  group = function(_, pid) kill("KILL", "-" .. pid) end,
  all = function(w, pid) kill("KILL", pid, table.unpack(w:processes())) end, -- as when a container is stopped
}

-- Nothing that was started stays alive. One look can miss a process that is just becoming another.
local function check_processes(w, name, say)
  local free, deadline = 0, core.time.clock() + support.soon
  local alive
  repeat
    alive = w:processes()
    free = #alive == 0 and free + 1 or 0
    fiber.sleep(0.01)
  until free == 3 or core.time.clock() > deadline
  for _, pid in ipairs(alive) do
    say("%s: process %s is left: %s", name, pid, (core.fs.read("/proc/" .. pid .. "/cmdline") or "?"):gsub("%z", " "))
  end
end

-- Fsck in between: a killed run leaves what the next one puts right, but never damage.
local function check_damage(w, say)
  local result = w:al("fsck", "--json")
  if result.code ~= 0 then say("fsck: %s", result.stdout .. result.stderr) end
end

local function last_event(w)
  return (w:read ".agentlua/events.jsonl" or ""):match '.*"type": ?"([^"]*)"' or "nothing"
end

--- Starts a run and cuts it short; `say` is told what is wrong then. Returns what the last event was.
function M.cut_short(w, name, say)
  local child = M.start(w, math.random(3))
  local goes_on = M.wait_a_while(w, child)
  local moment = goes_on and last_event(w) or "the end"
  local pid, asked = tostring(child:pid()), core.time.clock()
  local codes = goes_on and (M.stops[name] or M.kills[name])(w, pid)
  local result = child:wait()
  local seconds = core.time.clock() - asked
  local well = result.code == 0 or codes and codes[result.code]
  -- A signal may come before the run listens, or after.
  local by_signal = goes_on and (M.kills[name] and result.signal == 9 or name == "INT" and result.signal == 2
    or name == "TERM" and result.signal == 15)
  if not well and not by_signal then
    say("%s: exit code %d, signal %d: %s", name, result.code, result.signal, result.stdout)
  end
  if M.stops[name] and name ~= "stop TASK" and seconds > 1 + support.soon then say("%s took %.1f s", name, seconds) end
  check_processes(w, name, say)
  check_damage(w, say)
  if w.held and w:task(w.held).hold == true then
    local resumed = w:al("resume", w.held)
    if resumed.code ~= 0 then say("resume: %s", resumed.stderr) end
  end
  w.held = nil
  return moment
end

local age = [[find "$1" -name '.tmp.*' -o -name 'agentlua-save-*' | xargs -d '\n' -r touch -d 2020-01-01]]

--- What is left over by kills is swept away when it is old enough: now it is. Then runs until all is done; how many
--- that needs depends on the budget.
function M.finish(w, jobs, say)
  w:command { "sh", "-c", age, "sh", w.top }
  for _ = 1, 6 do
    local result = M.start(w, jobs):wait()
    if result.code ~= 0 then return say("the last run ends with %d: %s", result.code, result.stdout) end
    if w:count "done" == #w.tasks then return end
  end
end

--- Removes the world; one that is not well is kept, and named, when AGENTLUA_KEEP is set.
function M.close(w, well)
  if not well and os.getenv "AGENTLUA_KEEP" then return print("kept: " .. w.top) end
  w:close()
end

return M
