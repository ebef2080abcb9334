-- agentlua.git: repositories, worktrees and landings. Every operation is a job on the native pool, so
-- other fibers go on meanwhile.

local fiber = require "agentlua.fiber"

local core_git -- loaded with the first operation: libgit2 is slow to load

local M = {}

local function call(operation, options)
  core_git = core_git or require "agentlua.core.git"
  return fiber.await(core_git[operation](options))
end

local repo_type = {}
repo_type.__index = repo_type

--- Opens the repository that `path` is in.
---@return table repo | nil, string message, string code  ENOREPO, EOWNER
function M.open(path)
  local found, message, code = call("open", { path = path })
  if not found then return nil, message, code end
  return setmetatable({ at = found.at, branch = found.branch ~= "" and found.branch or nil }, repo_type)
end

local function operation(name)
  return function(self, options)
    local all = { at = self.at }
    for key, value in pairs(options or {}) do all[key] = value end
    return call(name, all)
  end
end

-- Each takes one table; `at` is another checkout of the repository than the one it was opened in.
repo_type.worktree_add = operation "worktree_add" -- {path=, branch=, base=} -> at
repo_type.worktree_remove = operation "worktree_remove" -- {tree=at, branch=, tip=, never_used=}
repo_type.ignored = operation "ignored" -- {paths=} -> those that git ignores
repo_type.worktrees = operation "worktree_list" -- {} -> [{path, head, branch, prunable, locked}]
repo_type.commit_leftovers = operation "commit_leftovers" -- {at=, branch=, message=, exclude=} -> tip
repo_type.save = operation "save" -- {at=, ref=, limit=, known=} -> {commit, skipped}
repo_type.diff = operation "diff" -- {from=, to=} -> [{path, added, deleted, binary}]
repo_type.status = operation "status" -- {at=} -> [{path, code}]
repo_type.land = operation "land" -- see include/agentlua/git/land.hpp
repo_type.finish_landing = operation "finish_landing" -- {pending_ref=}
repo_type.recover_landing = operation "recover_landing" -- {pending_ref=, base=} -> commit or null
repo_type.identity = operation "identity" -- {} -> "Name <email>"

local function optional(value, message, code)
  if value == nil then return nil, message, code end
  return type(value) ~= "userdata" and value or nil
end

--- Commit that a revision names, in hex; nil when there is none.
function repo_type:resolve(revision)
  return optional(call("resolve", { at = self.at, revision = revision }))
end
--- True when `ancestor` is in the history of `commit`.
function repo_type:contains(commit, ancestor)
  return call("contains", { at = self.at, commit = commit, ancestor = ancestor })
end
--- Checkout of the linked worktree at `path`, or nil when the repository knows none there. Whoever
--- worked in it must be gone: locks that they left are removed. `named`: its names prove that it is
--- ours; otherwise its lock has to. EFOREIGN: somebody else made it.
function repo_type:worktree_adopt(path, branch, named)
  return optional(call("worktree_adopt", { at = self.at, path = path, branch = branch, named = named or false }))
end
--- Names of the refs below a prefix.
function repo_type:refs(prefix) return call("refs", { at = self.at, prefix = prefix }) end

return M
