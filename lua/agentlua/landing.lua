-- agentlua.landing: how the work on a task ends: landed on the base, handed to a person, given up,
-- or put back. Methods of a project. Whether a branch goes into its base is decided in
-- include/agentlua/git/land.hpp; what that means for the task is decided here.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local questions = require "agentlua.questions"

local M = {}

local function id8(task) return task.id8 or core.text.id8(task.id) end
local function pending_ref(task) return "refs/agentlua/pending/" .. id8(task) end

--- Appends an event, of the run when one is going on.
function M.event(project, kind, fields)
  local log = project.run and project.run.events or project.events
  return log:append(kind, fields)
end

--- Moves a task, logs it, and says so in the result that the loop counts.
function M.move(project, task, to, patch)
  errors.check(project.store:move(task.id, to, patch))
  local reason = patch and type(patch.reason) == "string" and patch.reason or nil
  project:event("task_moved", { task = task.id, from = task.status, to = to, reason = reason })
  task.status = to
  return { status = to, reason = reason }
end

-- Text of a task as one line of a commit message.
local function one_line(text) return core.text.printable((text:gsub("%s+", " "))) end

local function message_of(project, task)
  local text = project:expand(project.config.message, task)
  local body = core.text.printable(task.description or "")
  return one_line(text) .. "\n" .. (body ~= "" and "\n" .. body .. "\n" or "")
end

-- The worktree goes before the task is done, and the pending ref after it: whatever of this a crash
-- cuts off, recover_task() can tell, and does the rest.
local function done(project, task, tree, commit, tip)
  if tree.at or tip then project:cleanup(task, tree, tip) end
  local result = project:move(task, "done", {
    completed_at = core.time.iso(), commit_sha = commit or core.json.null, reason = core.json.null,
    pending_question = core.json.null,
  })
  errors.check(project:repo():finish_landing { pending_ref = pending_ref(task) })
  return result
end

-- One function for each way that landing can end; `git` is the result of include/agentlua/git/land.hpp.
local outcome = {}

function outcome.landed(project, task, tree, git, tip)
  project:event("landed", { task = task.id, commit = git.commit, base = tree.base, files = #git.files })
  return done(project, task, tree, git.commit, tip)
end

function outcome.empty(project, task, tree, git, tip)
  if project.config.on_empty == "done" then return done(project, task, tree, nil, tip) end
  return project:give_up(task, tree, { ending = "done", reason = "the agent changed nothing (" .. git.reason .. ")" })
end

function outcome.conflict(project, task, tree, git)
  project:event("land_refused", { task = task.id, status = "conflict", reason = git.reason, paths = git.paths })
  return project:move(task, "needs-input", {
    reason = git.reason,
    pending_question = {
      id = "merge-conflict",
      question = ("The work on '%s' conflicts with '%s'. How should it go on?"):format(task.name, tree.base),
      context = table.concat(git.paths, "\n"),
      options = {
        { key = "A", label = "Resolve it by hand in the worktree, then agentlua land " .. id8(task) },
        { key = "B", label = "Start over on the new base; the branch is kept", action = "restart" },
      },
      asked_at = core.time.iso(),
    },
  })
end

local function hand_to_person(project, task, _, git)
  project:event("land_refused", { task = task.id, status = git.status, reason = git.reason, paths = git.paths })
  local result = project:move(task, "needs-review", {
    reason = ("%s. The work is on branch %s; agentlua land %s lands it"):format(git.reason,
      task.worktree.branch, id8(task)),
  })
  result.refused = git.status == "refused"
  return result
end
outcome.refused = hand_to_person
outcome.protected = hand_to_person

--- Lands the work in a worktree: leftovers are committed, the branch is merged into its base as the
--- configuration says, the task is done, worktree and branch go.
---@return { status: string, reason: string? }
function M.land(project, task, tree)
  local repo, mode = project:repo(), project.options.land or project.config.land
  local tip, message, code = repo:commit_leftovers {
    at = tree.at, branch = tree.branch, message = "agentlua: uncommitted work of " .. one_line(task.name) .. "\n",
    exclude = core.json.array(project:state_paths()),
  }
  if code == "EUNFINISHED" then return project:give_up(task, tree, { ending = "done", reason = message }) end
  errors.check(tip, message, code)
  if mode == "branch" or mode == "none" then
    return hand_to_person(project, task, tree, { status = mode, reason = "landing is left to you", paths = {} })
  end
  local git = errors.check(repo:land {
    branch = tree.branch, base = tree.base, mode = mode, message = message_of(project, task),
    author = project.config.author, pending_ref = pending_ref(task), protect = core.json.array(project.config.protect),
  })
  return outcome[git.status](project, task, tree, git, tip)
end

--- Ends work that did not succeed. What was stopped goes back where it came from; a question waits
--- for a person; everything else is failed. The worktree stays, with all that is in it.
---@return { status: string, reason: string? }
function M.give_up(project, task, tree, result)
  if result.ending == "stopped" then
    return project:put_back(task, task.stop_wanted and { hold = true } or nil)
  end
  local said = result.state or {}
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
  analysis.analysed_at, analysis.analysed_by = core.time.iso(), project:agent(task).name
  return project:move(task, "analysed", { analysis = analysis, analysis_completed_at = analysis.analysed_at })
end

--- Puts a claimed task back to the status it was claimed from.
function M.put_back(project, task, patch) return project:move(task, task.claimed_from or "todo", patch) end

--- Finishes or drops what a dead runner left of a task; it is owned by us now.
---@return string status that the task has afterwards
function M.recover_task(project, task)
  local repo, known = project:repo(), type(task.worktree) == "table" and task.worktree or nil
  local read = project:remembered_tree(task, "analysis_worktree")
  if read then project:cleanup(task, read, repo:resolve("refs/heads/" .. read.branch)) end
  local commit = known and errors.check(repo:recover_landing { pending_ref = pending_ref(task), base = known.base })
  if type(commit) == "string" then
    local tree = project:remembered_tree(task, "worktree")
    done(project, task, tree or {}, commit, tree and repo:resolve("refs/heads/" .. tree.branch))
  else
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

--- Drops the pending refs of tasks that nobody works on: all that was missing when their runner died.
function M.recover_refs(project)
  for _, ref in ipairs(errors.check(project:repo():refs "refs/agentlua/pending/")) do
    local task = project.store:get(ref:match "[^/]*$")
    if task and task.status ~= "in-progress" then errors.check(project:repo():finish_landing { pending_ref = ref }) end
  end
end

return M
