-- agentlua discard ID

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local janitor = require "agentlua.janitor"
local project = require "agentlua.project"

return {
  summary = "give the work on a task up: it is saved, worktree and branch go, the task is cancelled",
  configure = function(parser) parser:argument("task", "id, unique prefix or slug") end,
  run = function(args)
    local p = project.open { options = {} }
    local task = errors.check_usage(p.store:get(args.task))
    local id8, from = task.id8 or core.text.id8(task.id), task.status
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
    for _, ref in ipairs(refs) do print("saved as " .. ref) end
    for _, path in ipairs(skipped) do print("over save_limit, not saved: " .. core.text.printable(path)) end
    print(("%s  cancelled: %s"):format(core.text.printable(task.name), reason))
  end,
}
