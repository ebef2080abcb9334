-- agentlua.task.fsck: looks whether what is on disk can be: tasks, runs, worktrees, refs. Changes nothing.
--
-- A finding is {kind, where, message, hint}: "damage" is what must not be, "leftover" what the next run
-- or a command cleans up.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local runs = require "agentlua.run"

local M = {}

local running = { ["in-progress"] = true, analysing = true }

local function table_or_nil(value) return type(value) == "table" and value or nil end

-- Files that are no tasks, ids that are there twice, what dead writers have left.
local function check_files(p, add)
  for _, problem in ipairs(errors.check(p.store:problems(true))) do
    add("damage", problem.status .. "/" .. problem.file, problem.reason, "a run sets it aside in .quarantine")
  end
  for _, status in ipairs(core.store.statuses) do
    for _, name in ipairs(core.fs.list(p.tasks_dir .. "/" .. status) or {}) do
      if name:find "^%.tmp%." then
        add("leftover", status .. "/" .. name, "a writer has died here", "the next run sweeps it away")
      elseif not name:find "%.json$" and name:sub(1, 1) ~= "." then
        add("leftover", status .. "/" .. name, "is no task and is not looked at", "put it elsewhere")
      end
    end
  end
end

local function check_task(p, task, add)
  local where = task.status .. "/" .. task.file
  for name, value in pairs(task) do
    local problem = fields.problem(name, value)
    local mend = ("agentlua task edit %s %s=..."):format(task.id8 or task.id, name)
    if name == "worktree" or name == "analysis_worktree" then mend = "it is passed over; remove the field" end
    if problem then add("damage", where, problem, mend) end
  end
  local last = 0
  for _, attempt in ipairs(table_or_nil(task.attempts) or {}) do
    local n = table_or_nil(attempt) and math.tointeger(attempt.n) or 0
    if n <= last then add("damage", where, "attempt " .. n .. " comes after attempt " .. last, "correct `attempts`") end
    last = n
  end
  if running[task.status] and not p.store:is_owned(task.id) then
    add("leftover", where, "nobody works on it: its runner has died", "the next run takes it back")
  end
  local tree = not fields.problem("worktree", task.worktree) and table_or_nil(task.worktree)
  if tree and task.status == "done" and core.fs.stat(tree.path) then
    add("leftover", where, "is done and still has the worktree " .. tree.path, "agentlua clean removes it")
  elseif tree and tree.ready and task.status ~= "done" and not core.fs.stat(tree.path) then
    add("leftover", where, "its worktree " .. tree.path .. " is gone", "it is made again from the branch "
      .. tostring(tree.branch))
  end
end

local function check_runs(p, add)
  for _, run in ipairs(runs.list(p)) do
    if run.status == "died" and not run.ended_at then
      add("leftover", "runs/" .. run.id, "the run has died (pid " .. tostring(run.pid) .. ")", "the next run recovers")
    end
  end
end

local function check_refs(p, tasks, add)
  local repo = p:repo()
  local working = {}
  for _, task in ipairs(tasks) do working[fields.id8(task)] = running[task.status] end
  for _, ref in ipairs(errors.check(repo:refs "refs/agentlua/pending/")) do
    if not working[ref:match "[^/]*$"] then
      add("leftover", ref, "a landing was cut off", "the next run finishes or drops it")
    end
  end
end

--- Everything that is found, damage first.
---@return { kind: string, where: string, message: string, hint: string }[]
function M.run(p)
  local found = core.json.array()
  local function add(kind, where, message, hint)
    found[#found + 1] = { kind = kind, where = where, message = message, hint = hint }
  end
  check_files(p, add)
  local tasks = errors.check(p.store:list())
  for _, task in ipairs(tasks) do check_task(p, task, add) end
  check_runs(p, add)
  check_refs(p, tasks, add)
  table.sort(found, function(a, b)
    if a.kind ~= b.kind then return a.kind == "damage" end
    return a.where .. a.message < b.where .. b.message
  end)
  return found
end

return M
