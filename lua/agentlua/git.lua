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

-- Under the settings that were recorded, when they were.
local function ask(repo, name, options)
  local all = { at = repo.at, trusted = repo.trusted }
  for key, value in pairs(options or {}) do all[key] = value end
  return call(name, all)
end

local function operation(name)
  return function(self, options) return ask(self, name, options) end
end

-- Each takes one table; `at` is another checkout of the repository than the one it was opened in.
repo_type.fetch = operation "fetch" -- {remote=}: its branches are up to date afterwards
repo_type.push = operation "push" -- {remote=, branch=}: to the branch of that name there, never by force
repo_type.worktree_add = operation "worktree_add" -- {path=, branch=, base = any revision} -> at
repo_type.fill_submodules = operation "fill_submodules" -- {tree=} -> [{path, reason}]: what stays empty
repo_type.worktree_remove = operation "worktree_remove" -- {tree=at, branch=, tip=, never_used=, saved=}
repo_type.ignored = operation "ignored" -- {paths=} -> those that git ignores
repo_type.copies = operation "copies" -- {to=, globs=, exclude=, limit=} -> {copied=, skipped=}
repo_type.unchanged_copies = operation "unchanged_copies" -- {to=, globs=, exclude=} -> paths
repo_type.worktrees = operation "worktree_list" -- {} -> [{path, head, branch, prunable, locked, reason}]
repo_type.commit_leftovers = operation "commit_leftovers" -- {at=, branch=, message=, exclude=, since=} -> tip
repo_type.save = operation "save" -- {at=, ref=, limit=, known=, always=} -> {commit, skipped}
repo_type.restore = operation "restore" -- {ref=, path=} -> {at, branch, commit, submodules}; ENOENT, EEXIST, EBUSY
-- {from=, to=, renames=, text=} -> [{path, added, deleted, binary, status, from}], or a patch
repo_type.diff = operation "diff"
repo_type.snapshot = operation "snapshot" -- {at=, exclude=} -> tree with what is not committed
repo_type.status = operation "status" -- {at=} -> [{path, code}]
-- A merge or rebase in a linked worktree, step by step; each gives {operation, conflicts, head}.
repo_type.operation_start = operation "operation_start" -- {at=, how = "merge" | "rebase", commit=}
repo_type.operation_status = operation "operation_status" -- {at=}
repo_type.operation_resolve = operation "operation_resolve" -- {at=, path=, take = "ours" | "theirs" | "file"}
repo_type.operation_advance = operation "operation_advance" -- {at=, how = "continue" | "skip" | "abort"}
repo_type.is_merged = operation "is_merged" -- {base=, tip=} -> true when base has all that tip has
repo_type.format_patch = operation "format_patch" -- {base=, tip=, file=}
repo_type.sweep = operation "sweep" -- {}: what killed processes have left in git directories goes
repo_type.land = operation "land" -- see include/agentlua/git/land.hpp
repo_type.finish_landing = operation "finish_landing" -- {pending_ref=}
repo_type.recover_landing = operation "recover_landing" -- {pending_ref=, base=} -> commit or null
repo_type.dated_refs = operation "dated_refs" -- {prefix=} -> [{ref, commit, moved}]
repo_type.update_ref = operation "update_ref" -- {ref=, commit=, expected=} expected "": new; nil: wherever it is
repo_type.delete_ref = operation "delete_ref" -- {ref=, commit=} only if it is there
repo_type.identity = operation "identity" -- {} -> "Name <email>"
repo_type.record = operation "record" -- {} -> text: what git may start now; `trusted` of the repo holds git to it
repo_type.changed = operation "changed" -- {} -> names of settings and hooks that are not the recorded ones
repo_type.ref_values = operation "ref_values" -- {} -> {ref = object or "ref: NAME"}, HEAD included
repo_type.mark_checkout = operation "mark_checkout" -- {at=, untracked=} -> {head, mover, paths = {path = stamp}}
repo_type.put_back_ref = operation "put_back_ref" -- see include/agentlua/git/tripwire.hpp

local function optional(value, message, code)
  if value == nil then return nil, message, code end
  return type(value) ~= "userdata" and value or nil
end

--- Commit that a revision names, in hex; nil when there is none. HEAD is that of the checkout `at`.
function repo_type:resolve(revision, at) return optional(ask(self, "resolve", { at = at, revision = revision })) end
--- True when `ancestor` is in the history of `commit`.
function repo_type:contains(commit, ancestor)
  return ask(self, "contains", { commit = commit, ancestor = ancestor })
end
--- Commit at which `a` and `b` have parted; nil when they have nothing in common.
function repo_type:merge_base(a, b) return optional(ask(self, "merge_base", { a = a, b = b })) end
--- Checkout of the linked worktree at `path`, or nil when the repository knows none there. `git_dir`:
--- what it was when it was made, if that is known.
function repo_type:worktree_find(path, git_dir)
  return optional(ask(self, "worktree_find", { path = path, git_dir = git_dir }))
end
--- The same, to go on in it: {path=, branch=, git_dir=, named=}. Whoever worked in it must be gone: locks
--- that they left are removed. `named`: its names prove that it is ours; otherwise its lock has to.
--- EFOREIGN: somebody else made it.
function repo_type:worktree_adopt(known) return optional(ask(self, "worktree_adopt", known)) end
--- Names of the refs below a prefix.
function repo_type:refs(prefix) return ask(self, "refs", { prefix = prefix }) end

return M
