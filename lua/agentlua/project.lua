-- agentlua.project: a repository with an .agentlua directory: its settings, tasks, prompts, agents.
-- The loop's building blocks (worktree, verify, land, give_up, loop) are methods of it and have
-- files of their own.

local branches = require "agentlua.work.branch"
local config = require "agentlua.config"
local context = require "agentlua.prompt.context"
local core = require "agentlua.core"
local dotbot = require "agentlua.task.dotbot"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local git = require "agentlua.git"
local nearest = require "agentlua.nearest"
local options = require "agentlua.options"
local place = require "agentlua.place"
local prompt = require "agentlua.prompt"
local resource = require "agentlua.resource"
local store = require "agentlua.store"
local tripwire = require "agentlua.attempt.tripwire"
local trust = require "agentlua.trust"

local M = {}

local project_type = {}
for _, part in ipairs {
  "work.worktree", "work.cleanup", "work.saved", "work.verify", "work.landing", "work.review", "work.ending",
  "attempt.fallback", "attempt.program", "task.types", "loop",
} do
  for name, method in pairs(require("agentlua." .. part)) do project_type[name] = method end
end
project_type.__index = project_type

local function locate(start)
  local root = os.getenv "AGENTLUA_ROOT" -- set for agents, whose worktree is not the project
  if root and root ~= "" and not start and not place.explicit then return place.find(root) end
  return place.find(start or ".")
end

-- Refuses a task directory that is not one of ours to fill. `name`: as the user said it, for errors.
-- `make`: one that is not there yet is made.
local function check_tasks_dir(root, dir, name, make)
  local real = core.fs.realpath(dir) or dir
  local of_git = ("/%s/"):format(place.below(real, root) or real):find("/.git/", 1, true)
  if real == root or place.below(root, real) or real == "/" or of_git then
    errors.usage("EINVAL", ("task directory '%s' is the repository, holds it, or is git's own; "
      .. "name one of its own, like .agentlua/tasks"):format(name))
  end
  for _, status in ipairs(make and {} or store.statuses) do
    if core.fs.stat(real .. "/" .. status) then return end
  end
  if not make then
    errors.usage("ENOENT", ("no task directory '%s'; agentlua task add --tasks makes one"):format(name))
  end
end

--- Opens the project that `opts.dir` (the current directory) is in. Raises ENOREPO, ENOPROJECT,
--- EUNTRUSTED, ECONFIG; nothing of the project is read before it is trusted.
---@param opts? { dir: string?, options: table?, look: boolean? } options: instead of those of the command
--- line; look: a task directory that somebody has named must be there
function M.open(opts)
  opts = opts or {}
  local start = opts.dir or "."
  local at = locate(opts.dir)
  if not at then
    errors.usage("ENOREPO", "'" .. core.fs.realpath(start) .. "' is not in a git repository; git init makes one")
  end
  if not core.fs.stat(at.dir) then
    errors.usage("ENOPROJECT", at.lost or "there is no .agentlua in '" .. at.root .. "'; agentlua init makes one")
  end
  if not trust.has(at.dir) then
    errors.usage("EUNTRUSTED", "the .agentlua of '" .. at.root .. "' was not made here and is not trusted; "
      .. "read it, then run: agentlua trust '" .. at.root .. "'")
  end
  local self = setmetatable({ root = at.root, dir = at.dir, agents = {}, prompts = {} }, project_type)
  self.options = opts.options or options.parse()
  self.config = config.load(at.dir .. "/config.lua")
  local named = self.options.tasks or os.getenv "AGENTLUA_TASKS"
  local said = named or self.config.tasks
  self.tasks_dir = place.absolute(said, at.root)
  check_tasks_dir(at.root, self.tasks_dir, said, not (named and opts.look))
  self.dotbot = dotbot.owns(self.tasks_dir)
  self.store = errors.check_usage(store.open(self.tasks_dir, {
    create = true, root = at.root, network_store = self.config.network_store,
  }))
  self.events = events.open(at.dir .. "/events.jsonl")
  return self
end

--- The repository, opened with the first call. Raises ENOREPO, EOWNER.
function project_type:repo()
  if not self._repo then
    self._repo = errors.check_usage(git.open(self.root))
    self._repo.trusted = tripwire.record(self)
  end
  return self._repo
end

local function nearest_branch(repo, wanted)
  local names = {}
  for i, ref in ipairs(errors.check(repo:refs "refs/heads/")) do names[i] = ref:sub(#"refs/heads/" + 1) end
  local best = nearest.find(wanted, names)
  return best and ("the nearest is '%s': --base %s"):format(best, best) or "make the first commit"
end

--- The branch that work starts from and lands on, and its commit. Raises ENOBASE, ENOCOMMIT.
function project_type:base()
  local repo = self:repo()
  local branch = self.options.base or self.config.base or repo.branch
  if not branch then
    errors.usage("ENOBASE", "HEAD of '" .. self.root .. "' is detached; say --base BRANCH")
  end
  local commit = repo:resolve("refs/heads/" .. branch)
  if not commit then
    local unborn = branch == repo.branch
    errors.usage(unborn and "ENOCOMMIT" or "ENOBASE", unborn
      and "base branch '" .. branch .. "' has no commit yet; make the first commit"
      or ("base branch '%s' does not exist; %s"):format(branch, nearest_branch(repo, branch)))
  end
  return branch, commit
end

--- Refuses a pattern for branches that makes none here. Raises ECONFIG.
function project_type:check_branches()
  local pattern = self.config.branch
  local reason, name = branches.pattern_problem(pattern)
  for parent in (reason and "" or name):gmatch "()/" do
    local taken = name:sub(1, parent - 1)
    if self:repo():resolve("refs/heads/" .. taken) then reason = "there is a branch '" .. taken .. "' in its way" end
  end
  if reason then
    errors.usage("ECONFIG", ("%s/config.lua: `branch` = '%s' makes no name for a branch: %s"):format(self.dir, pattern,
      reason))
  end
end

--- Directory of the project's "plans" or "decisions": with dotbot's tasks they are beside these.
function project_type:papers(kind)
  return (self.tasks_dir:match "^(.*/%.bot/workspace)/tasks/*$" or self.dir) .. "/" .. kind
end

-- A prompt as it was when it was first used: what changes while agents work counts from the next run on.
local function find_prompt(self, name)
  local file = name:match "%.md$" and name or name .. ".md"
  local found = self.prompts[file] or resource.find("prompts", file, self.dir)
  self.prompts[file] = found
  return found
end

--- What prompts may name for a task: name -> text or false. `vars`: more of them.
function project_type:prompt_names(task, vars)
  local steering = find_prompt(self, "steering")
  local more = { STEERING_PROTOCOL = steering and steering.text or "" }
  for key, value in pairs(self.config.prompt) do more[key] = value end
  for key, value in pairs(vars or {}) do more[key] = value end
  return context.of(self, task, more)
end

--- Text of prompt `name` for a task: the template with the task's fields. A table {path, text} is a template
--- itself. Raises ENOPROMPT, EPROMPT.
function project_type:prompt(name, task, vars)
  local template = type(name) == "table" and name or find_prompt(self, name)
  if not template then
    errors.usage("ENOPROMPT", ("no prompt '%s.md'; agentlua paths shows where they are"):format(
      core.text.printable(name)))
  end
  return prompt.render(template.text, self:prompt_names(task, vars), template.path, {
    defaults = context.defaults, find = function(other) return find_prompt(self, other) end,
  })
end

--- Paths, relative to a checkout, that hold state and are never part of an agent's work.
function project_type:state_paths()
  local paths = { ".agentlua/tasks", ".agentlua/runs", ".agentlua/events.jsonl" }
  paths[#paths + 1] = place.below(self.tasks_dir, self.root)
  return paths
end

return M
