-- agentlua.work.saved: work that is kept on refs: what there is, checkpoints, worktrees made of it again.
-- Methods of a project. `kind` is "saved" (before a worktree went) or "checkpoint" (asked for).

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"

local M = {}

--- How restore.hpp says in the lock of a worktree what it was made of.
local restored_from = "used by agentlua: restored from "

local function prefix(task, kind) return ("refs/agentlua/%s/%s/"):format(kind, fields.id8(task)) end

--- What is kept of a task: [{kind, n, ref, commit, time}], oldest first.
function M.saved_list(project, task, kind)
  local list = core.json.array()
  for _, one in ipairs(errors.check(project:repo():dated_refs { prefix = prefix(task, kind) })) do
    one.time = core.time.iso(one.moved)
    one.kind, one.n = kind, math.tointeger(tonumber(one.ref:match "[^/]*$"))
    if one.n then list[#list + 1] = one end
  end
  table.sort(list, function(a, b) return a.n < b.n end)
  return list
end

--- refs/agentlua/<kind>/<id8>/<name><n> that is not there yet, with n `first` (1) or higher.
---@return string ref, integer n
function M.new_saved_ref(project, id, kind, first, name)
  local top = ("refs/agentlua/%s/%s/"):format(kind, id)
  local start, last = top .. (name or ""), math.max(first or 1, 1) - 1
  for _, ref in ipairs(errors.check(project:repo():refs(top))) do
    local n = ref:sub(1, #start) == start and ref:sub(#start + 1):match "^(%d+)%f[/\0]"
    last = math.max(last, math.tointeger(tonumber(n or 0)) or 0)
  end
  return start .. last + 1, last + 1
end

--- Saves the worktree of a task as it is now, also while somebody works in it, and changes nothing
--- there. Raises ENOWORKTREE, ESAVE (it changed all the time).
---@return { n: integer, ref: string, commit: string, skipped: string[] }
function M.checkpoint(project, task)
  local repo, known = project:repo(), type(task.worktree) == "table" and task.worktree or nil
  local at = known and repo:worktree_find(known.path)
  if not at or not core.fs.stat(known.path) then
    errors.usage("ENOWORKTREE", ("task '%s' has no worktree; agentlua restore %s --list shows what is kept"):format(
      fields.id8(task), fields.id8(task)))
  end
  local saved, message, code, ref, n
  for try = 1, 3 do
    ref, n = project:new_saved_ref(fields.id8(task), "checkpoint")
    saved, message, code = repo:save { at = at, ref = ref, limit = project.config.save_limit, always = true }
    if saved or (code ~= "ESAVE" and code ~= "EMOVED") then break end
    if try < 3 then fiber.sleep(0.2) end
  end
  errors.check(saved, message, code)
  project:event("checkpoint", { task = task.id, ref = ref, commit = saved.commit, skipped = saved.skipped })
  return { n = n, ref = ref, commit = saved.commit, skipped = saved.skipped }
end

local function find(project, task, kind, n)
  local list = project:saved_list(task, kind)
  if not n and #list > 0 then return list[#list] end
  for _, one in ipairs(list) do
    if one.n == n then return one end
  end
  errors.usage("ENOENT", ("nothing is kept of task '%s' as %s %s; agentlua restore %s --list shows what is"):format(
    fields.id8(task), kind, n or "work", fields.id8(task)))
end

-- The task goes on in the restored worktree, unless that was only for reading.
local function adopt(project, task, known, made)
  local usual = project:expand(project.config.branch, task)
  if made.branch:sub(1, #usual + 9) == usual .. "-analysis" then return false end
  local base, base_commit
  if known then base, base_commit = known.base, known.base_commit else base, base_commit = project:base() end
  errors.check(project.store:update(task.id, { worktree = {
    path = made.at.work_tree, branch = made.branch ~= "" and made.branch or known and known.branch or usual,
    base = base, base_commit = base_commit, ready = true,
    git_dir = made.at.git_dir,
  } }))
  return true
end

-- Makes the worktree; or finds the one that was made of the same and that the task does not know of
-- (`unfinished`), because a restore was cut off in between.
local function make(project, task, one, path, unfinished)
  local repo = project:repo()
  local made, message, code = repo:restore { ref = one.ref, path = path }
  if code == "EEXIST" then
    for _, tree in ipairs(errors.check(repo:worktrees())) do
      if unfinished and tree.path == core.fs.realpath(path) and tree.reason == restored_from .. one.ref then
        return { at = repo:worktree_find(path), branch = tree.branch, commit = one.commit, submodules = {} }
      end
    end
    errors.usage("EEXIST", ("'%s' is there already; agentlua restore %s --to DIR restores to another place"):format(
      path, fields.id8(task)))
  end
  return errors.check(made, message, code)
end

--- Makes a worktree of what was kept; without `n` of the newest. Raises ENOENT, EEXIST, EBUSY, and
--- ELOCKED when a living runner owns the task.
---@param opts { n: integer?, kind: string?, path: string? } path: absolute; the task's own by default
---@return { path: string, branch: string?, commit: string, ref: string, adopted: boolean }
function M.restore(project, task, opts)
  if project.store:is_owned(task.id) then
    errors.usage("ELOCKED", ("task '%s' is being worked on; agentlua stop %s first"):format(fields.id8(task),
      fields.id8(task)))
  end
  local one = find(project, task, opts.kind or "saved", opts.n)
  local known = type(task.worktree) == "table" and task.worktree or nil
  local path = opts.path or known and known.path
    or project:worktrees_dir() .. "/" .. project:expand("{id8}-{slug}", task)
  local unfinished = known and known.path == path and not known.ready
  local has_one = known and not unfinished and core.fs.stat(known.path)
  local made = make(project, task, one, path, unfinished)
  project:report_submodules(made.at.work_tree, made.submodules)
  project:copy_files(made.at.work_tree)
  local adopted = not has_one and adopt(project, task, known, made)
  return {
    path = made.at.work_tree, branch = made.branch ~= "" and made.branch or nil, commit = made.commit, ref = one.ref,
    adopted = adopted,
  }
end

return M
