-- Runs one change of a task store with a fault at one system call, and looks at what is left.

local core = require "agentlua.core"
local process = require "agentlua.process"
local support = require "support"

local M = {}

M.driver = support.build .. "/tests/agentlua_store_driver"
assert(core.fs.stat(M.driver), M.driver .. " is missing: build the target agentlua_store_driver")

-- ---- means --------------------------------------------------------------------------------------

function M.drive(...) return assert(process.run { M.driver, contain = false, timeout = 60, ... }) end

function M.write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function read(path)
  local file = assert(io.open(path))
  return file:read "a", file:close()
end

-- ---- what is in a store -------------------------------------------------------------------------

local function text_of(value)
  if type(value) ~= "table" then return type(value) .. " " .. tostring(value) end
  local parts = {}
  for key, one in pairs(value) do parts[#parts + 1] = tostring(key) .. " = " .. text_of(one) end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- Every task by its id: {place, content without times}; temporary files; and what is wrong.
function M.look(dir)
  local tasks, temporaries, wrong = {}, {}, {}
  local function found(id, place, content)
    if tasks[id] then wrong[#wrong + 1] = id .. " is in " .. tasks[id].place .. " and in " .. place end
    tasks[id] = { place = place, content = content }
  end
  for _, status in ipairs(core.fs.list(dir)) do
    for _, file in ipairs(core.fs.list(dir .. "/" .. status)) do
      local path = dir .. "/" .. status .. "/" .. file
      if file:find "^%.tmp%." then
        temporaries[#temporaries + 1] = status .. "/" .. file
      elseif file:find "broken%.json$" then
        found("broken", status, read(path))
      elseif file:find "%.json$" then
        local task, message = core.json.parse(read(path), path)
        if task then
          task.updated_at, task.created_at = nil, nil
          found(task.id, status, text_of(task))
        else
          wrong[#wrong + 1] = message
        end
      end
    end
  end
  return { tasks = tasks, temporaries = temporaries, wrong = wrong }
end

-- ---- changes ------------------------------------------------------------------------------------

local function task(dir, status, id, name)
  M.write(("%s/%s/%s-%s.json"):format(dir, status, id, core.text.id8(id)),
    ('{\n  "id": "%s",\n  "name": "%s",\n  "created_at": "2026-01-31T08:00:00Z"\n}\n'):format(id, name))
end

local before = {} -- what a change finds, beside the tasks
function before.recover(dir)
  os.rename(dir .. "/todo/one-" .. core.text.id8 "one" .. ".json",
    dir .. "/in-progress/one-" .. core.text.id8 "one" .. ".json")
  M.write(dir .. "/done/.tmp.1.0", "{")
  assert(process.run { "touch", "-d", "2020-01-01", dir .. "/done/.tmp.1.0", contain = false }.code == 0)
end
before["recover-again"] = before.recover
function before.reclaim(dir) -- analysed without an analysis: the claim has to write where it came from
  assert(core.fs.mkdir(dir .. "/analysed"))
  os.rename(dir .. "/todo/one-" .. core.text.id8 "one" .. ".json",
    dir .. "/analysed/one-" .. core.text.id8 "one" .. ".json")
end
function before.quarantine(dir) M.write(dir .. "/todo/broken.json", '{"id": ') end

--- The changes that the driver can make.
M.changes = { "add", "claim", "reclaim", "move", "update", "release", "recover", "quarantine", "life" }

--- Makes a directory with what a change needs.
function M.prepare(change)
  local dir = support.dir .. "/" .. core.text.uuid():sub(1, 13)
  assert(core.fs.mkdir(dir .. "/todo"))
  if change:find "^recover" then
    for _, name in ipairs { "in-progress", "done", ".locks" } do assert(core.fs.mkdir(dir .. "/" .. name)) end
  end
  task(dir, "todo", "one", "First")
  task(dir, "todo", "two", "Second")
  if before[change] then before[change](dir) end
  return dir
end

-- The states that a change goes through, first and last included.
local function states_of(change)
  local dir = M.prepare(change)
  local states = { M.look(dir).tasks }
  for step = 1, change == "life" and 7 or 1 do
    dir = M.prepare(change)
    local result = M.drive(change, dir, change == "life" and tostring(step) or nil)
    assert(result.code == 0, change .. ": " .. result.stderr)
    states[#states + 1] = M.look(dir).tasks
  end
  return states
end

local function key(one) return one and one.place .. " " .. one.content or "nowhere" end

-- What a task may be found as when a change is cut short. A move first changes the content.
local function legal_of(states)
  local legal = {}
  for i, state in ipairs(states) do
    for id, one in pairs(state) do
      legal[id] = legal[id] or { [key(states[1][id])] = true }
      local last = i > 1 and states[i - 1][id]
      legal[id][key(one)] = true
      if last then legal[id][key { place = last.place, content = one.content }] = true end
    end
  end
  return legal
end

-- Calls between the marks, as {name, how many of that name up to it}, all and those before the end.
local function calls_of(change)
  local dir = M.prepare(change)
  local log = dir .. ".trace"
  local result = assert(process.run { "strace", "-f", "-qq", "-o", log, M.driver, change, dir, contain = false })
  assert(result.code == 0, result.stderr)
  local counts, calls, inside = {}, {}, 0
  for line in io.lines(log) do
    local name = line:match "^%d+%s+([%w_]+)%("
    if name then
      counts[name] = (counts[name] or 0) + 1
      if line:find('"/agentlua/begin"', 1, true) then
        calls, inside = {}, 0
      else
        calls[#calls + 1] = { name = name, nth = counts[name] }
        if inside == 0 and line:find('"/agentlua/end"', 1, true) then inside = #calls - 1 end
      end
    end
  end
  assert(inside > 0, "no marks in the trace of " .. change)
  return calls, inside
end

local plans = {}
--- What is known of a change: calls, inside (how many are before the end), states, legal.
function M.plan(change)
  local plan = plans[change]
  if not plan then
    plan = { states = states_of(change) }
    plan.calls, plan.inside = calls_of(change)
    plan.legal = legal_of(plan.states)
    plans[change] = plan
  end
  return plan
end

-- ---- one fault ----------------------------------------------------------------------------------

--- Makes a change with a fault at the nth call of a name: "signal=KILL" or "error=EIO".
--- Returns the directory, the result of strace and whether the fault has happened.
function M.inject(change, call, fault)
  local dir = M.prepare(change)
  local log = dir .. ".trace"
  local command = { "strace", "-f", "-qq", contain = false, timeout = 60 }
  if fault:find "^error=" then command[#command + 1] = "--seccomp-bpf" end -- faster, but then no signals
  local rest = {
    "-o", log, "-e", "trace=" .. call.name, "-e", ("inject=%s:%s:when=%d"):format(call.name, fault, call.nth),
    M.driver, change, dir,
  }
  local result = assert(process.run(table.move(rest, 1, #rest, #command + 1, command)))
  local happened = result.signal == 9 or read(log):find("(INJECTED)", 1, true) ~= nil
  os.remove(log)
  return dir, result, happened
end

--- What is wrong in a directory after a change was cut short: a list. `whole`: it must be done.
function M.check(change, dir, whole)
  local plan, seen = M.plan(change), M.look(dir)
  local wrong = seen.wrong
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  local last = plan.states[#plan.states]
  for id, legal in pairs(plan.legal) do
    local state = key(seen.tasks[id])
    if not legal[state] then say("%s is %s", id, state) end
    if whole and state ~= key(last[id]) then say("it says that all is well, but %s is %s", id, state) end
  end
  for id in pairs(seen.tasks) do
    if not plan.legal[id] then say("%s is there", id) end
  end
  return wrong, seen
end

--- What is wrong when the next one works on the same directory, which was seen as `seen`.
function M.check_after(dir, seen)
  local wrong = {}
  local function say(...) wrong[#wrong + 1] = string.format(...) end
  local result = M.drive("after", dir)
  if result.code ~= 0 then return { "recover and claim fail: " .. result.stderr } end
  local found = assert(core.json.parse(result.stdout, "output of the driver"))
  local function set(list)
    local all = {}
    for _, id in ipairs(list) do all[id] = (all[id] or 0) + 1 end
    return all
  end
  local recovered, claimed = set(found.recovered), set(found.claimed)
  for id, one in pairs(seen.tasks) do
    local runs = one.place == "in-progress"
    local waits = id ~= "broken" and (runs or one.place == "todo" or one.place == "analysed")
    if (recovered[id] or 0) ~= (runs and 1 or 0) then say("%s was recovered %d times", id, recovered[id] or 0) end
    if (claimed[id] or 0) ~= (waits and 1 or 0) then say("%s was claimed %d times", id, claimed[id] or 0) end
  end
  for _, one in ipairs(found.problems) do
    if one.file ~= "broken.json" then say("a problem: %s", one.reason) end
  end
  for _, path in ipairs(found.temporaries) do say("never swept: %s", path:sub(#dir + 2)) end
  local now = M.look(dir)
  table.move(now.wrong, 1, #now.wrong, #wrong + 1, wrong)
  for id in pairs(seen.tasks) do
    if not now.tasks[id] then say("%s is lost afterwards", id) end
  end
  return wrong
end

return M
