-- agentlua.work.by_hand: a person brings the work on a task to its end: lands it, or gives it up.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"
local janitor = require "agentlua.work.janitor"
local project = require "agentlua.project"
local runs = require "agentlua.run"

local M = {}

local function land(p, id, onto)
  local task, message, code = p.store:claim {
    from = { "needs-review", "needs-input", "failed", "skipped" }, to = "in-progress", id = id,
  }
  if code then errors.usage(code, message) end
  if not task then
    errors.usage("ESTATE", ("task '%s' is not in needs-review, needs-input, failed or skipped, or is blocked; "
      .. "agentlua task show %s says more"):format(id, id))
  end
  local run = runs.start(p)
  p.run = run
  local listening <close> = run:listen()
  local _ <close> = run.progress:begin(task)
  local ok, result = errors.try(function()
    if not (task.worktree and task.worktree.ready) then
      errors.usage("ENOBRANCH", "task '" .. id .. "' has no branch to land")
    end
    local tree <close> = p:worktree(task)
    tree.base = onto or tree.base
    local verified, feedback = p:verify(task, tree)
    if not verified then return p:move(task, task.claimed_from, { reason = feedback }) end
    return p:land(task, tree)
  end)
  if task.status == "in-progress" then p:put_back(task) end
  p.store:release(task.id)
  local good = ok and result.status == "done"
  run:finish(good and "drained" or "error", good and 0 or 1)
  if not ok then error(result, 0) end
  return { name = task.name, status = result.status, reason = result.reason and tostring(result.reason) }
end

--- Verifies and lands the branch of a task that waits. Options: onto = another branch than the one that it started
--- from, mode = how (squash), tasks = task directory.
---@return { name: string, status: string, reason: string? }
function M.land(key, opts)
  local p = project.open {
    options = { script = "land", by_person = true, land = opts.mode or "squash", tasks = opts.tasks },
  }
  if opts.onto and not p:repo():resolve("refs/heads/" .. opts.onto) then
    errors.usage("ENOBASE", "there is no branch '" .. opts.onto .. "' to land on")
  end
  return fiber.run(land, p, errors.check_usage(p.store:get(key)).id, opts.onto)
end

--- Gives the work on a task up: it is saved, worktree and branch go, the task is cancelled.
---@return { name: string, status: string, reason: string, refs: string[], skipped: string[] }
function M.discard(p, key)
  local task = errors.check_usage(p.store:get(key))
  local id8, from = fields.id8(task), task.status
  if from == "done" then
    errors.usage("ESTATE", ("task '%s' is done; agentlua clean removes what it has left"):format(
      task.id))
  end
  local reason = ("discarded; agentlua restore %s brings it back"):format(id8)
  -- First of all nobody may take the task any more. A living owner is not robbed: ELOCKED.
  if from == "cancelled" then
    errors.check_usage(p.store:update(task.id, { reason = reason }))
  else
    errors.check_usage(p.store:move(task.id, "cancelled", { reason = reason }))
  end
  task.status = "cancelled"
  local ok, refs, skipped = errors.try(janitor.remove_work, p, task)
  if not ok then
    local before = task.reason == nil and core.json.null or task.reason
    if from ~= "cancelled" then p.store:move(task.id, from, { reason = before }) end
    error(refs, 0)
  end
  p:event("task_moved", { task = task.id, from = from, to = "cancelled", by = "person", reason = reason })
  return { name = task.name, status = "cancelled", reason = reason, refs = refs, skipped = skipped }
end

return M
