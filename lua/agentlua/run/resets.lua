-- agentlua.run.resets: what a run looks at and puts right before its first task, and what it sets aside later.

local agent = require "agentlua.agent"
local errors = require "agentlua.errors"
local launch = require "agentlua.attempt.launch"
local mcp = require "agentlua.mcp"
local questions = require "agentlua.task.questions"
local sandbox = require "agentlua.attempt.sandbox"
local view = require "agentlua.view"

local M = {}

--- A file that cannot be read is set aside once it has been left alone for this long: editors write
--- in steps.
local quiet_seconds = 1

--- Finds everything that would stop every task before one is claimed. Raises errors of the user's.
function M.preflight(project)
  project:base()
  project:check_branches()
  errors.check_usage(project:repo():identity())
  for _, backend in ipairs(project:agents_for()) do
    launch.permission(backend, project.options.permission)
    agent.version(backend)
  end
  sandbox.check(project)
  mcp.load_configured(project)
end

--- Takes over what dead runners have left: their tasks, their landings, reviews that are over.
function M.recover(run)
  local project, counts = run.project, run.record.counts
  project:sweep()
  for _, task in ipairs(errors.check(project.store:recover())) do
    local status = project:recover_task(task)
    project.store:release(task.id)
    if status == "failed" then counts.failed = counts.failed + 1 end
    view.say(("recovered '%s': %s"):format(task.name, status))
  end
  project:recover_refs()
  project:settle_reviews()
end

--- Failed tasks that the configuration gives another chance; never more than three.
function M.revive(project)
  local most = math.min(project.config.revive, 3)
  for _, task in ipairs(most > 0 and project:failed_tasks() or {}) do
    local times = math.tointeger(task.revived) or 0
    if times < most and not project.store:is_owned(task.id) then
      project:move(task, questions.resume_status(task), { revived = times + 1, recoveries = 0 })
      view.say(("revived '%s', time %d"):format(task.name, times + 1))
    end
  end
end

--- Sets files aside that cannot be read.
---@return number left seconds until another one may be, boolean found one was just now
function M.quarantine(run)
  local project, left, found = run.project, 0, false
  for _, problem in ipairs(errors.check(project.store:problems())) do
    if not problem.damaged then -- it could only not be read just now
      errors.warn(problem.reason)
    elseif problem.age < quiet_seconds then
      left = math.max(left, quiet_seconds - problem.age)
    elseif project.store:quarantine(problem) then
      found = true
      run:event("quarantined", { file = problem.status .. "/" .. problem.file, reason = problem.reason })
      errors.warn(("set aside in %s/.quarantine: %s"):format(project.tasks_dir, problem.reason))
    end
  end
  return left, found
end

return M
