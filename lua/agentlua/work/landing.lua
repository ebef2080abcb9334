-- agentlua.work.landing: how work comes to its base, or to a person who decides. Methods of a project.
-- Whether a branch goes into its base is decided in include/agentlua/git/land.hpp; what that means for
-- the task is decided here.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local hooks = require "agentlua.hooks"
local questions = require "agentlua.task.questions"

local M = {}

--- The ref that holds a commit while it lands.
function M.pending_ref(_, task) return "refs/agentlua/pending/" .. fields.id8(task) end

local function one_line(text) return core.text.printable((text:gsub("%s+", " "))) end

local function message_of(project, task)
  local text = project:expand(project.config.message, task)
  local body = core.text.printable(task.description or "")
  return one_line(text) .. "\n" .. (body ~= "" and "\n" .. body .. "\n" or "")
end

-- What a task keeps of the files that it has changed on its base.
local function commit_data(project, task, files)
  if not files then return {} end
  local by = { A = core.json.array(), D = core.json.array(), M = core.json.array() }
  for _, file in ipairs(files) do
    local list = by[file.status] or by.M
    list[#list + 1] = file.path
  end
  return {
    commit_subject = message_of(project, task):match "[^\n]*", files_created = by.A, files_deleted = by.D,
    files_modified = by.M,
  }
end

--- The work is on the base: the worktree goes, and the task is done. The worktree goes before the task is
--- done, and the pending ref after it: whatever of this a crash cuts off, recover_task() can tell.
---@param tip string? the branch goes too when it is there
---@param by string? who says so, when it was not landed here
function M.landed(project, task, tree, commit, tip, by)
  if tree.at or tip then project:cleanup(task, tree, tip) end
  local patch = commit_data(project, task, tree.landed)
  patch.completed_at, patch.completed_by, patch.commit_sha = core.time.iso(), by, commit or core.json.null
  patch.reason, patch.pending_question = core.json.null, core.json.null
  local result = project:move(task, "done", patch)
  errors.check(project:repo():finish_landing { pending_ref = project:pending_ref(task) })
  project:after_done(task, tree.landed, result)
  return result
end

-- The base goes to its remote, when that is wanted. When it cannot, the task is done all the same.
local function push(project, task, base, result)
  local remote = project.config.push or project.options.push and "origin"
  if not remote then return end
  local ok, message = project:repo():push { remote = remote, branch = base }
  if ok then return end
  project:event("push_failed", { task = task.id, remote = remote, branch = base, reason = message })
  errors.warn(("'%s' has landed, but '%s' could not be pushed to '%s': %s; git push %s %s does it by hand"):format(
    task.name, base, remote, message, remote, base))
  result.trouble = true
end

-- One function for each way that landing can end; `git` is the result of include/agentlua/git/land.hpp.
local outcome = {}

function outcome.landed(project, task, tree, git, tip)
  project:event("landed", { task = task.id, commit = git.commit, base = tree.base, files = #git.files })
  tree.landed = git.files
  local result = project:landed(task, tree, git.commit, tip)
  push(project, task, tree.base, result)
  hooks.call(project.run, "after_land", task, tree, project.run)
  return result
end

function outcome.empty(project, task, tree, git, tip)
  local cut_off = errors.check(project:repo():recover_landing { -- by us, but an error came between
    pending_ref = project:pending_ref(task), base = tree.base,
  })
  if type(cut_off) == "string" then return project:landed(task, tree, cut_off, tip) end
  local base = project:repo():resolve("refs/heads/" .. tree.base)
  local landed = tip ~= tree.base_commit and project:repo():contains(base, tip) -- by a person, as it is
  local nothing = tree.may_be_empty or project.config.on_empty == "done"
  if landed or nothing then return project:landed(task, tree, landed and base, tip) end
  return project:give_up(task, tree, { ending = "done", reason = "the agent changed nothing (" .. git.reason .. ")" })
end

function outcome.conflict(project, task, tree, git)
  project:event("land_refused", { task = task.id, status = git.status, reason = git.reason, paths = git.paths })
  local lines = {}
  for i, one in ipairs(git.conflicts) do lines[i] = ("%s (%s)"):format(one.path, one.kind) end
  return project:move(task, "needs-input", {
    reason = git.reason,
    pending_question = questions.about_work("merge-conflict",
      ("The work on '%s' conflicts with '%s'. How should it go on?"):format(task.name, tree.base),
      table.concat(lines, "\n"),
      ("I resolve it in %s (git merge %s), then agentlua land %s"):format(tree.path, tree.base, fields.id8(task)),
      ("Give it back to an agent: run git merge %s here, resolve the conflict, commit"):format(tree.base)),
  })
end

local function hand_to_person(project, task, _, git)
  project:event("land_refused", { task = task.id, status = git.status, reason = git.reason, paths = git.paths })
  local result = project:move(task, "needs-review", {
    reason = ("%s. The work is on branch %s; agentlua land %s lands it"):format(git.reason,
      task.worktree.branch, fields.id8(task)),
  })
  result.refused = git.status == "refused"
  return result
end
outcome.refused = hand_to_person
outcome.protected = hand_to_person

-- Modes in which somebody else brings the branch to the base.
local handed_over = { branch = true, none = true }
function handed_over.patch(project, task, tree, tip)
  local file = ("%s/%s/work.patch"):format(project.run.dir, fields.id8(task))
  errors.check(core.fs.mkdir(file:match "^(.*)/"))
  errors.check(project:repo():format_patch { base = tree.base_commit, tip = tip, file = file })
  return "as patches for git am in " .. file
end

-- The base has changed files that the branch changes, so what was verified is not what would land: the
-- base comes into the branch, and that is verified.
local function catch_up(project, task, tree)
  local base = project:repo():resolve("refs/heads/" .. tree.base)
  errors.check(project:repo():operation_start { at = tree.at, how = "merge", commit = base })
  local ok, feedback = project:verify(task, tree)
  return ok and base or nil, feedback
end

local function commit_leftovers(project, task, tree)
  local repo = project:repo()
  local base, head = repo:resolve("refs/heads/" .. tree.base), repo:resolve("HEAD", tree.at)
  return repo:commit_leftovers {
    since = base and head and repo:merge_base(base, head) or tree.base_commit,
    at = tree.at, branch = tree.branch, message = "agentlua: uncommitted work of " .. one_line(task.name) .. "\n",
    exclude = core.json.array(project:state_paths()),
  }
end

--- Lands the work in a worktree: leftovers are committed, the branch is merged into its base as the
--- configuration says, the task is done, worktree and branch go.
---@return { status: string, reason: string? }
function M.land(project, task, tree)
  local mode = project.options.land or project.config.land
  local function leave(status, reason)
    return hand_to_person(project, task, tree, { status = status, reason = reason, paths = {} })
  end
  project.run.progress:set(task, { phase = "land" })
  local tip, message, code = commit_leftovers(project, task, tree)
  if code == "EUNFINISHED" then return project:give_up(task, tree, { ending = "done", reason = message }) end
  errors.check(tip, message, code)
  if task.suspect and tip ~= tree.base_commit then return leave("tripwire", task.suspect) end
  local handed = handed_over[mode]
  if handed then
    if tip == tree.base_commit then return outcome.empty(project, task, tree, { reason = "no commits" }, tip) end
    return leave(mode, handed ~= true and handed(project, task, tree, tip) or "landing is left to you")
  end
  local may, why = hooks.call(project.run, "before_land", task, tree, project.run)
  if may == false and not project.options.by_person then
    return leave("held", "the hook before_land holds it" .. (why and ": " .. tostring(why) or ""))
  end
  local verified = #project.config.verify > 0 and tree.base_commit or nil
  for _ = 1, 3 do
    local git = errors.check(project:repo():land {
      branch = tree.branch, base = tree.base, mode = mode, message = message_of(project, task),
      author = project.config.author, pending_ref = project:pending_ref(task),
      protect = core.json.array(project.config.protect), verified_on = verified,
    })
    if git.status ~= "stale" then return outcome[git.status](project, task, tree, git, tip) end
    verified, message = catch_up(project, task, tree)
    if not verified then
      return project:give_up(task, tree, {
        ending = project.run:halts(task) and "stopped" or "done",
        reason = git.reason .. "; on it " .. tostring(message),
      })
    end
    tip = errors.check(commit_leftovers(project, task, tree))
  end
  return leave("refused", "'" .. tree.base .. "' changes faster than the work can be verified")
end

return M
