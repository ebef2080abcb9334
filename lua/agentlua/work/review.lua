-- agentlua.work.review: tasks in needs-review whose branch somebody else brings to the base, and how it is seen
-- that this is over. Methods of a project.

local core = require "agentlua.core"
local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local process = require "agentlua.process"
local questions = require "agentlua.task.questions"

local M = {}

--- Seconds that a status command may take.
local patience = 60

-- What `pr.status` of config.lua says of a task: its first word, and the rest of what it printed. It runs
-- in the main checkout and knows the task by its surroundings and, as JSON, on stdin. nil: it failed.
local function ask(project, task, known)
  local argv, run = project.config.pr.status, project.run
  local child <close>, message = process.spawn(table.move(argv, 1, #argv, 1, {
    cwd = project.root, stdin = core.json.dump(task), timeout = patience, output = 1 << 20,
    grace = project.config.stop_grace, secrets = environment.secrets(project),
    env = environment.without_git {
      AGENTLUA_BRANCH = known.branch, AGENTLUA_BASE = known.base, AGENTLUA_TASK_ID = task.id,
    },
  }))
  if not child then return nil, message end
  if run then run:adopt(child, task) end
  local result = child:wait()
  if run then run:forget(child) end
  if result.code == 0 then
    local word, rest = result.stdout:match "^%s*(%S*)%s*(.-)%s*$"
    return word:lower(), rest
  end
  return nil, ("status command '%s' failed (%s) %s"):format(argv[1],
    result.bound and "time limit" or "exit code " .. result.code, result.stderr:sub(-500)), result.bound
end

local settle = {}

-- The worktree goes. The branch stays where the base here does not have its commits.
function settle.merged(project, task, known, base, tip, by)
  local tree = errors.check(project:remembered_tree(task, "worktree"))
  project:event("landed", { task = task.id, commit = base, base = known.base, by = by })
  if by == "review" and not project:repo():contains(base, tip) then
    errors.warn(("'%s' is merged as its review says; branch %s stays, for '%s' may not have it here yet: git pull, "
      .. "then agentlua clean"):format(task.name, known.branch, known.base))
    tip = nil
  end
  return project:landed(task, tree, base, tip, by)
end

function settle.closed(project, task, known, said)
  return project:move(task, "needs-input", {
    reason = core.text.printable("the review was closed without a merge" .. (said ~= "" and ": " .. said or "")),
    pending_question = questions.about_work("review-closed",
      ("The review of '%s' was closed. How should it go on?"):format(task.name), core.text.printable(said),
      ("It is wanted: agentlua land %s, or a new review of branch %s"):format(fields.id8(task), known.branch),
      "Give it back to an agent"),
  })
end

-- Does something with a task that is in review, unless somebody else has taken it up.
local function claimed(project, seen, what, ...)
  local task = errors.check(project.store:claim {
    from = { seen.status }, to = "in-progress", id = seen.id,
  } or false)
  if not task then return end
  local ok, problem = errors.try(what, project, task, ...)
  if not ok and task.status == "in-progress" then project:put_back(task) end
  project.store:release(task.id)
  if not ok then error(problem, 0) end
end

--- Tasks in needs-review that are over: done when their work is on the base, landed by a person as it is,
--- as equal patches or as one commit, or when the status command says "merged"; a question when it says
--- "closed". What else it says changes nothing.
function M.settle_reviews(project)
  local repo, asking = project:repo(), project.config.pr.status ~= nil
  for _, seen in ipairs(project:tasks_in_review()) do
    local known = type(seen.worktree) == "table" and seen.worktree or {}
    local tip = known.branch and repo:resolve("refs/heads/" .. known.branch)
    local base = known.base and repo:resolve("refs/heads/" .. known.base)
    local there = tip and base and tip ~= known.base_commit
    if there and repo:is_merged { base = base, tip = tip } then
      claimed(project, seen, settle.merged, known, base, tip, "person")
    elseif there and asking then
      local word, said, bound = ask(project, seen, known)
      asking = not bound and not (project.run and project.run.stopping) -- it would be as slow for the next
      if word == "merged" then claimed(project, seen, settle.merged, known, base, tip, "review") end
      if word == "closed" then claimed(project, seen, settle.closed, known, said) end
      if not word then
        project:event("review_failed", { task = seen.id, reason = said })
        errors.warn(said)
      end
    end
  end
end

return M
