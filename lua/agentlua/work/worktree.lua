-- agentlua.work.worktree: a checkout of its own for every task. Methods of a project.

local branches = require "agentlua.work.branch"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local place = require "agentlua.place"

local M = {}

local tree_type = {}
tree_type.__index = tree_type

-- Nothing is to be closed yet: the worktree stays until cleanup() has saved what is in it.
function tree_type.close() end
tree_type.__close = tree_type.close

--- Fills {id8}, {slug}, {id} and {name} of a pattern in.
function M.expand(_, pattern, task) return branches.expand(pattern, task) end

--- The directory that has the worktrees of a project.
function M.worktrees_dir(project)
  return place.absolute(project.config.worktrees or project.root .. ".worktrees", project.root)
end

--- Which ignored files of the main checkout the worktree at `path` needs, such as .env.
function M.copies_for(project, path)
  local exclude, dir = core.json.array(project:state_paths()), project:worktrees_dir()
  exclude[#exclude + 1] = place.below(dir, project.root)
  return {
    to = path, globs = core.json.array(project.config.copy), exclude = exclude, limit = project.config.save_limit,
  }
end

--- Copies them to the worktree at `path`, unless they are there.
function M.copy_files(project, path)
  local skipped = errors.check(project:repo():copies(project:copies_for(path))).skipped
  if #skipped == 0 then return end
  project:event("copy_skipped", { path = path, files = #skipped, first = skipped[1] })
  errors.warn(("%d ignored files are not copied to %s, '%s' is one: over save_limit, or a link that leads out"):format(
    #skipped, path, skipped[1]))
end

--- Says which submodules of a new worktree are empty although the main checkout has them.
---@param empty { path: string, reason: string }[]
function M.report_submodules(project, path, empty)
  for _, one in ipairs(empty) do
    project:event("submodule_empty", { path = path, submodule = one.path, reason = one.reason })
    errors.warn(("submodule '%s' of %s is empty: %s; git submodule update in '%s' fetches it for the worktrees to come")
      :format(one.path, path, one.reason, project.root))
  end
end

local function set_up(project, task, tree)
  project:report_submodules(tree.path, errors.check(project:repo():fill_submodules { tree = tree.at }))
  project:copy_files(tree.path)
  local argv = project.config.setup
  if not argv or #argv == 0 then return end
  local result = errors.check(project.run:command(task, {
    cwd = tree.path, stderr = "merge", timeout = 1800, table.unpack(argv),
  }))
  if project.run:halts(task) then errors.check(nil, "stopped", "ESTOPPED") end
  if result.code ~= 0 then
    errors.check(nil, ("setup command '%s' failed (%d) in %s: %s"):format(argv[1], result.code, tree.path,
      core.text.printable(result.stdout:sub(-2000))), "ESETUP")
  end
end

-- A path and a branch that nothing has yet: what a killed run left is never written over.
local function free_names(project, task, suffix)
  local repo, dir = project:repo(), project:worktrees_dir()
  local name = project:expand("{id8}-{slug}", task) .. (suffix or "")
  local branch = project:expand(project.config.branch, task) .. (suffix or "")
  for n = 1, 100 do
    local more = n > 1 and "-" .. n or ""
    local path, tip = dir .. "/" .. name .. more, repo:resolve("refs/heads/" .. branch .. more)
    local odd = branches.problem(branch .. more)
    if odd then
      errors.check(nil, ("'%s' is no name for a branch: %s; see `branch` in config.lua"):format(branch, odd), "EINVAL")
    end
    if not core.fs.stat(path) and not tip then return path, branch .. more end
  end
  errors.check(nil, "no free name for a worktree of task " .. task.id .. " in " .. dir, "EEXIST")
end

-- Task files are written by hand, too: what they name may be the user's. A worktree of ours has the
-- short id of its task in its name. Its place and its branch prove the rest, or else its lock.
local function find_own(project, task, known)
  local dir, name = known.path:match "^(.*)/([^/]*)$"
  local id8 = fields.id8(task)
  local named = dir == project:worktrees_dir() and branches.belongs(project.config.branch, task, known.branch)
  if name and name:sub(1, #id8 + 1) == id8 .. "-" and not branches.problem(known.branch) then
    local at, message, code = project:repo():worktree_adopt {
      path = known.path, branch = known.branch, git_dir = known.git_dir, named = named or false,
    }
    if at or named or code and code ~= "EFOREIGN" then return at, message, code end
  end
  return nil, ("worktree '%s' with branch '%s' is not one that agentlua made for task %s; it is left alone; "
    .. "agentlua task restart %s makes a new one"):format(known.path, known.branch, id8, id8), "EFOREIGN"
end

-- A handle for a worktree; `at` is nil when git knows none there.
local function handle(known, at, field)
  return setmetatable({
    path = known.path, branch = known.branch, base = known.base, base_commit = known.base_commit,
    at = at, field = field,
  }, tree_type)
end

--- A handle for a worktree of which something else has proved that it is ours.
function M.tree_at(project, known)
  local at, message, code = project:repo():worktree_adopt {
    path = known.path, branch = known.branch, git_dir = known.git_dir, named = true,
  }
  if code then errors.check(nil, message, code) end
  return handle(known, at)
end

--- A handle for the worktree that a task remembers in a field ("worktree"). Its `at` is nil when git
--- knows none there. nil, message, EFOREIGN when it is not one of ours; nil when there is none. Raises
--- what else goes wrong.
function M.remembered_tree(project, task, field)
  local known = task[field]
  if type(known) ~= "table" then return nil end
  local at, message, code = find_own(project, task, known)
  if code == "EFOREIGN" then return nil, message, code end
  if code then errors.check(nil, message, code) end
  return handle(known, at, field)
end

--- The checkout of a tree as git is told about it, also when it is gone (but perhaps not its branch).
function M.checkout_of(project, tree)
  local at = project:repo().at
  return tree.at or { git_dir = at.git_dir, common_dir = at.common_dir, work_tree = tree.path }
end

-- Keeps what a task must know of its worktree. `ready`: an agent may have worked in it.
local function remember(project, task, tree, ready)
  task[tree.field] = {
    path = tree.path, branch = tree.branch, base = tree.base, base_commit = tree.base_commit, ready = ready,
    git_dir = tree.at and tree.at.git_dir,
  }
  errors.check(project.store:update(task.id, { [tree.field] = task[tree.field] }))
end

-- Makes the checkout of a tree, on a new branch or on the one that has its work.
local function check_out(project, task, tree)
  tree.at = errors.check(project:repo():worktree_add {
    path = tree.path, branch = tree.branch, base = tree.base_commit,
  })
  -- Whose task this is, for `agentlua clean` of another task directory.
  errors.check(core.fs.write { path = tree.at.git_dir .. "/agentlua-tasks", content = project.tasks_dir })
  project:event("worktree_made", { task = task.id, path = tree.path, branch = tree.branch })
  set_up(project, task, tree)
  remember(project, task, tree, true)
  return tree
end

-- The worktree that a task has already; nil when there is nothing to go on with.
local function existing(project, task)
  local tree, message, code = project:remembered_tree(task, "worktree")
  if code then errors.check(nil, message, code) end
  if not tree then return nil end
  local tip = project:repo():resolve("refs/heads/" .. tree.branch)
  local used = task.worktree.ready or (tip and tip ~= tree.base_commit)
  if used and tree.at then return tree end
  if used and tip and not core.fs.stat(tree.path) then return check_out(project, task, tree) end -- removed by hand
  if not used and tip then -- half made when its runner was killed
    errors.check(project:repo():worktree_remove {
      tree = project:checkout_of(tree), branch = tree.branch, tip = tip, never_used = true,
    })
  end
end

local function create(project, task, field, suffix)
  local base, commit = project:base()
  local path, branch = free_names(project, task, suffix)
  local tree = setmetatable({
    path = path, branch = branch, base = base, base_commit = commit, field = field,
  }, tree_type)
  remember(project, task, tree, false) -- before it is made: a crash must not forget it
  return check_out(project, task, tree)
end

--- The worktree of a task: the one it has already, else a new one on a new branch at the base.
---@param opts? { throwaway: boolean? } throwaway: for reading; cleanup() removes it, it is never landed
function M.worktree(project, task, opts)
  local tree
  if opts and opts.throwaway then
    project:drop_analysis(task)
    tree = create(project, task, "analysis_worktree", "-analysis")
  else
    tree = existing(project, task) or create(project, task, "worktree")
  end
  tree.at.hold = { errors.check(project.store:owner_fd(task.id)) } -- git in it counts as ours
  return tree
end

return M
