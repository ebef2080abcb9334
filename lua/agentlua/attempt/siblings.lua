-- agentlua.attempt.siblings: the checkouts beside that of a task, before and after an attempt on it.
--
-- Nobody can see who has changed a file. So what changes in the main checkout, in a worktree of the user's or
-- in one that a task waits in for a person is only an event; and a worktree whose task has an owner is not
-- compared at all. Two changes only the agent can have made, and they hold its task for a person: a commit
-- in the worktree of another task under the agent's name, and, while no other agent worked, any change in
-- the worktree of a task that has ended.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local place = require "agentlua.place"

local M = {}

local our_locks = { ["used by agentlua"] = true, ["kept by agentlua"] = true }

-- Seconds that looking at checkouts may take; those that are left over are not compared.
local patience = 2

-- The task that a worktree of ours belongs to; false when there is none to be told, nil when it is not ours.
local function task_of(project, tree)
  if not our_locks[tree.reason] then return nil end
  local id8 = tree.path:match "/(%x%x%x%x%x%x%x%x)%-[^/]*$"
  return id8 and project.store:get(id8) or false
end

-- How many tasks somebody works on, in all runs.
local function tasks_in_work(project)
  local count = 0
  for _, status in ipairs { "in-progress", "analysing" } do
    for _, task in ipairs(errors.check(project.store:list(status))) do
      if project.store:is_owned(task.id) then count = count + 1 end
    end
  end
  return count
end

-- What is compared of one checkout; nil when it is being worked in or cannot be looked at.
local function mark_of(project, tree, main)
  local repo, task = project:repo(), not main and task_of(project, tree)
  if task and project.store:is_owned(task.id) then return nil end
  local at = main and repo.at or repo:worktree_find(tree.path)
  if not at or at.work_tree == "" or not core.fs.stat(at.work_tree) then return nil end
  local mark = repo:mark_checkout { at = at, untracked = task and true or false }
  if mark then mark.path, mark.task, mark.status = at.work_tree, task or nil, task and task.status end
  return mark
end

-- All other checkouts than the task's own: path -> what it is like now.
local function marks(project, task)
  local found, own, deadline = {}, {}, core.time.clock() + patience
  for _, field in ipairs { "worktree", "analysis_worktree" } do
    if type(task[field]) == "table" and task[field].path then own[task[field].path] = true end
  end
  for i, tree in ipairs(errors.check(project:repo():worktrees())) do
    local mark = not own[tree.path] and core.time.clock() < deadline and mark_of(project, tree, i == 1)
    if mark then found[mark.path] = mark end
  end
  return found
end

-- Paths that are not as they were. What is clean after HEAD has moved was committed, or came with it.
local function changed_paths(project, before, now)
  local changed, state = core.json.array(), project:state_paths()
  local function add(path)
    for _, dir in ipairs(state) do
      if place.below(path, dir) then return end
    end
    changed[#changed + 1] = path
  end
  for path, stamp in pairs(now.paths) do
    if before.paths[path] ~= stamp then add(path) end
  end
  for path in pairs(before.head == now.head and before.paths or {}) do
    if not now.paths[path] then add(path) end
  end
  table.sort(changed)
  return changed
end

--- What the other checkouts are like before an attempt on a task.
function M.look(project, task)
  return {
    marks = marks(project, task), others = tasks_in_work(project) - 1, started = project.run.record.counts.started,
  }
end

--- Reports what has changed since; `task.suspect` is then why its work waits for a person.
---@param mover string committer name of the task's agent
---@param report fun(what: string, found: table)
function M.check(project, task, before, mover, report)
  local alone = before.others == 0 and tasks_in_work(project) <= 1
    and before.started == project.run.record.counts.started
  for path, now in pairs(marks(project, task)) do
    local was = before.marks[path]
    local comparable = was and was.status == now.status
    local moved = comparable and now.task and was.head ~= now.head
    local changed = comparable and changed_paths(project, was, now) or {}
    local certain = (fields.ended[now.status] and alone or moved and now.mover == mover) or false
    if moved or #changed > 0 then
      if certain then task.suspect = ("meanwhile the worktree %s of another task changed"):format(path) end
      report("other checkout changed", {
        path = path, paths = table.move(changed, 1, math.min(#changed, 20), 1, core.json.array()), files = #changed,
        head = moved and now.head or nil, certain = certain, again = true,
      })
    end
  end
end

return M
