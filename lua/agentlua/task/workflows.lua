-- agentlua.task.workflows: tasks that belong together by their field `workflow`: --workflow runs one of them, and
-- one whose task has failed is not gone on with.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local workflows = {}
workflows.__index = workflows

--- What a run knows of the workflows of its tasks.
function M.new(project)
  return setmetatable({ project = project, only = project.options.workflow, stopped = {} }, workflows)
end

-- Whether this run works on tasks of a workflow; nil for those that have none.
function workflows:takes(name)
  if type(name) ~= "string" then name = nil end
  return not (self.only and name ~= self.only) and not (name and self.stopped[name])
end

--- A task has failed. Unless it is `optional`, the others of its workflow are not started any more; with
--- --workflow that is the end of the run.
function workflows:failed(task)
  if type(task.workflow) ~= "string" or task.optional == true then return end
  self.stopped[task.workflow] = true
  self.over = self.only == task.workflow
end

--- Adds the tasks of the statuses `from` that this run does not work on to a list of ids.
function workflows:exclude(from, ids)
  if not self.only and not next(self.stopped) then return ids end
  for _, status in ipairs(from) do
    for _, task in ipairs(errors.check(self.project.store:list(status))) do
      if not self:takes(task.workflow) then ids[#ids + 1] = task.id end
    end
  end
  return ids
end

--- Those of a list of tasks, {id=}, that this run works on.
function workflows:only_ours(tasks)
  if not self.only then return tasks end
  local ours = {}
  for _, task in ipairs(tasks) do
    local whole = self.project.store:get(task.id)
    if whole and self:takes(whole.workflow) then ours[#ours + 1] = task end
  end
  return ours
end

--- Puts all open tasks of a workflow to cancelled, so that it can be run anew. What is done stays done.
--- Raises ELOCKED when one of them is being worked on.
---@return integer count
function M.cancel(store, events, name)
  local old = {}
  for _, task in ipairs(errors.check(store:list())) do
    local open = task.status ~= "done" and task.status ~= "split" and task.status ~= "cancelled"
    if task.workflow == name and open then
      if store:is_owned(task.id) then
        errors.usage("ELOCKED", ("task '%s' of workflow '%s' is being worked on; agentlua stop ends that"):format(
          task.id, core.text.printable(name)))
      end
      old[#old + 1] = task
    end
  end
  for _, task in ipairs(old) do
    errors.check(store:move(task.id, "cancelled", { reason = "the workflow was begun anew" }))
    events:append("task_moved", { task = task.id, from = task.status, to = "cancelled", by = "person" })
  end
  return #old
end

return M
