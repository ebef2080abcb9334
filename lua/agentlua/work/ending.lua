-- agentlua.work.ending: how the work on a task ends when it does not land: given up, put back, or cut off by
-- the death of its runner. Methods of a project.

local budget = require "agentlua.budget"
local core = require "agentlua.core"
local dotbot = require "agentlua.task.dotbot"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local hooks = require "agentlua.hooks"
local state = require "agentlua.state"
local questions = require "agentlua.task.questions"
local runs = require "agentlua.run"

local M = {}

--- Appends an event, of the run when one is going on.
function M.event(project, kind, fields)
  local log = project.run and project.run.events or project.events
  return log:append(kind, fields)
end

--- Moves a task, logs it, and says so in the result that the loop counts. In dotbot's directory it may be
--- called otherwise, but that is all.
function M.move(project, task, to, patch)
  local written, fields = to, patch
  if project.dotbot then written, fields = dotbot.translate(task, to, patch) end
  errors.check(project.store:move(task.id, written, fields))
  local reason = patch and type(patch.reason) == "string" and patch.reason or nil
  project:event("task_moved", { task = task.id, from = task.status, to = written, reason = reason })
  task.status = to
  if written == "needs-input" and project.run then
    local waiting = questions.pending(errors.check(project.store:get(task.id)))
    hooks.call(project.run, "on_needs_input", task, waiting, project.run)
  end
  return { status = to, reason = reason }
end

-- What a person is asked when a task has used up what it may cost.
local function budget_question(over, tree)
  return {
    question = budget.describe(over) .. ". What now?",
    context = tree and ("The work is in %s on branch %s."):format(tree.path, tree.branch) or nil,
    options = {
      { key = "A", label = "Go on with as much again", action = "renew_budget" },
      { key = "B", label = questions.discard_label, action = "discard" },
    },
  }
end

--- Ends work that did not succeed. What was stopped, by a person or by the budget of the run, or waits for a
--- limit goes back where it came from; a question waits for a person, also that for more budget; everything
--- else is failed. The worktree stays, with all that is in it.
---@return { status: string, reason: string? }
function M.give_up(project, task, tree, result)
  local over = result.ending == "budget" and result.over
  if result.ending == "stopped" or over and (over.level == "run" or over.level == "day") then
    return project:put_back(task, task.stop_wanted and { hold = true } or nil)
  end
  if result.wait then return project:put_back(task) end
  local said = result.state or {}
  if over then
    local patch, to = questions.ask(task, budget_question(over, tree))
    patch.reason = budget.describe(over)
    return project:move(task, to, patch)
  end
  if said.question then
    local patch, to = questions.ask(task, said.question)
    for _, question in ipairs(patch.pending_questions or { patch.pending_question }) do
      project:event("question", { task = task.id, question = question.question })
    end
    return project:move(task, to, patch)
  end
  if said.skip then
    local patch, to = questions.skip(task, said.skip)
    return project:move(task, to, patch)
  end
  local reason = result.reason or result.feedback or ""
  if result.ending ~= "done" then
    reason = ("agent ended with '%s'%s"):format(result.ending, reason ~= "" and ": " .. reason or "")
  end
  if tree then reason = reason .. ". The work is in " .. tree.path .. " on branch " .. tree.branch end
  return project:move(task, "failed", { reason = core.text.printable(reason) })
end

--- Ends an analysis: what the agent gave to agentlua task analysed, else the text that it ended with.
---@return { status: string }
function M.analysed(project, task, result)
  local analysis = result.state.analysis or { summary = result.text }
  analysis.analysed_at, analysis.analysed_by = core.time.iso(), result.entry.agent
  return project:move(task, "analysed", {
    analysis = analysis, analysis_completed_at = analysis.analysed_at, analysed_by = analysis.analysed_by,
  })
end

--- Ends a task that has nothing to land: it is done.
---@return { status: string }
function M.finish(project, task)
  local result = project:move(task, "done", { completed_at = core.time.iso(), reason = core.json.null })
  project:after_done(task, nil, result)
  return result
end

--- Tasks that have failed, and those whose work waits to be landed.
function M.failed_tasks(project)
  if project.dotbot then return dotbot.failed(errors.check(project.store:list "skipped")) end
  return errors.check(project.store:list "failed")
end
function M.tasks_in_review(project)
  if project.dotbot then return dotbot.in_review(errors.check(project.store:list "needs-input")) end
  return errors.check(project.store:list "needs-review")
end

--- Puts a claimed task back to the status it was claimed from.
function M.put_back(project, task, patch) return project:move(task, task.claimed_from or "todo", patch) end

-- Whether the log says that a commit of a task has landed: a runner may have died before it could.
local function is_logged(project, task, commit)
  for event in events.read(project.dir .. "/events.jsonl") do
    if event.type == "landed" and event.task == task.id and event.commit == commit then return true end
  end
  return false
end

-- Finishes a landing that has gone through and was cut off then; false when there is none.
local function finish_landing(project, task)
  local repo, known = project:repo(), type(task.worktree) == "table" and task.worktree or nil
  local commit = known and errors.check(repo:recover_landing {
    pending_ref = project:pending_ref(task), base = known.base,
  })
  if type(commit) ~= "string" then return false end
  if not is_logged(project, task, commit) then
    project:event("landed", { task = task.id, commit = commit, base = known.base })
  end
  local tree = project:remembered_tree(task, "worktree")
  project:landed(task, tree or {}, commit, tree and repo:resolve("refs/heads/" .. tree.branch))
  return true
end

--- Finishes or drops what a dead runner left of a task; it is owned by us now.
---@return string status that the task has afterwards
function M.recover_task(project, task)
  project:drop_analysis(task)
  if not finish_landing(project, task) then
    local crashes = (math.tointeger(task.recoveries) or 0) + 1
    local poison = crashes >= 3
    project:move(task, poison and "failed" or task.claimed_from, {
      recoveries = crashes,
      reason = poison and "poison: the host died three times while it worked on this" or nil,
    })
  end
  project:event("task_recovered", { task = task.id, to = task.status })
  return task.status
end

--- Finishes the landings of tasks that nobody works on. A runner that died has done all but drop the ref;
--- one that an error stopped has put the task back, although its work is on the base.
function M.recover_refs(project)
  for _, ref in ipairs(errors.check(project:repo():refs "refs/agentlua/pending/")) do
    local task = project.store:get(ref:match "[^/]*$")
    if task and task.status == "done" then
      errors.check(project:repo():finish_landing { pending_ref = ref })
    elseif task and task.status ~= "in-progress" then
      local ours = errors.check(project.store:claim {
        from = { task.status }, to = "in-progress", id = task.id,
      } or false)
      if ours and not finish_landing(project, ours) then project:put_back(ours) end
      if ours then project.store:release(ours.id) end
    end
  end
end

--- Removes what killed processes have left: temporary files, locks on refs of ours. Records of dead runs say
--- so from now on.
function M.sweep(project)
  errors.check(project:repo():sweep())
  for _, dir in ipairs { project.dir, state.dir(), state.dir() .. "/git", state.dir() .. "/trust" } do
    core.fs.sweep(dir)
  end
  runs.bury(project)
end

return M
