---@meta agentlua.git

---@class agentlua.git
local git = {}

--- Opens the repository that `path` is in. ENOREPO, EOWNER.
---@param path string
---@return agentlua.Repo
---@return string message
---@return string code
function git.open(path) end

--- A checkout of a repository, as git is told about it.
---@class agentlua.At
---@field git_dir string
---@field common_dir string
---@field work_tree string

--- A file of a diff.
---@class agentlua.FileChange
---@field path string
---@field added integer lines
---@field deleted integer lines
---@field binary boolean
---@field status string A, M, D, R
---@field from? string its path before

---@class (exact) agentlua.FetchOptions
---@field remote string

---@class (exact) agentlua.PushOptions
---@field remote string
---@field branch string

---@class (exact) agentlua.WorktreeAddOptions
---@field path string
---@field branch string
---@field base string any revision

---@class (exact) agentlua.WorktreeRemoveOptions
---@field tree agentlua.At
---@field branch? string
---@field tip? string commit; the branch goes only if it is there
---@field never_used? boolean
---@field saved? string commit that has what only the worktree has

---@class (exact) agentlua.CopiesOptions
---@field to string
---@field globs string[]
---@field exclude? string[]
---@field limit? number bytes

---@class (exact) agentlua.TreeOptions
---@field tree agentlua.At

---@class (exact) agentlua.AtOptions
---@field at? agentlua.At another checkout than the one that was opened
---@field exclude? string[] paths
---@field paths? string[]
---@field untracked? boolean

---@class (exact) agentlua.LeftoversOptions
---@field at? agentlua.At
---@field branch string
---@field message string
---@field exclude? string[] paths

---@class (exact) agentlua.SaveOptions
---@field at? agentlua.At
---@field ref string
---@field limit? number bytes
---@field known? string[]
---@field always? boolean
---@field exclude? string[]

---@class (exact) agentlua.RestoreOptions
---@field ref string
---@field path string

---@class (exact) agentlua.DiffOptions
---@field at? agentlua.At
---@field from string revision or tree
---@field to string revision or tree
---@field renames? boolean
---@field text? boolean a patch instead of a list

---@class (exact) agentlua.OperationOptions
---@field at agentlua.At
---@field how? "merge"|"rebase"|"continue"|"skip"|"abort"
---@field commit? string
---@field path? string
---@field take? "ours"|"theirs"|"file"

---@class (exact) agentlua.TipOptions
---@field base string
---@field tip string
---@field file? string

---@class (exact) agentlua.LandOptions
---@field branch string
---@field base string
---@field mode? "squash"|"merge"|"rebase" "squash" by default
---@field message string
---@field author? string
---@field pending_ref string
---@field protect? string[] globs
---@field verified_on? string

---@class agentlua.Landing
---@field status string landed, empty, conflict, protected, refused, stale
---@field reason string
---@field commit string
---@field base string
---@field paths string[]
---@field files agentlua.FileChange[]
---@field conflicts table[]

---@class (exact) agentlua.RefOptions
---@field ref? string
---@field commit? string
---@field expected? string "": new; nil: wherever it is
---@field pending_ref? string
---@field base? string
---@field prefix? string
---@field before? string
---@field now? string
---@field rescue? string
---@field mover? string

--- A repository. Options that are left out mean the checkout that was opened.
---@class agentlua.Repo
---@field at agentlua.At
---@field branch? string that is checked out
---@field trusted? string the record of what git may start
local repo = {}

--- Brings the branches of a remote up to date.
---@param options agentlua.FetchOptions
function repo:fetch(options) end

--- Pushes a branch to that of its name at a remote, never by force.
---@param options agentlua.PushOptions
---@return boolean
---@return string message
---@return string code
function repo:push(options) end

---@param options agentlua.WorktreeAddOptions
---@return agentlua.At
function repo:worktree_add(options) end

---@param options agentlua.TreeOptions
---@return { path: string, reason: string }[] what stays empty
function repo:fill_submodules(options) end

---@param options agentlua.WorktreeRemoveOptions
function repo:worktree_remove(options) end

---@param options agentlua.AtOptions
---@return string[] those that git ignores
function repo:ignored(options) end

---@param options agentlua.CopiesOptions
---@return { copied: string[], skipped: string[] }
function repo:copies(options) end

---@param options agentlua.CopiesOptions
---@return string[] paths
function repo:unchanged_copies(options) end

---@param options? agentlua.AtOptions
---@return { path: string, head: string, branch: string, prunable: boolean, locked: boolean, reason: string }[]
function repo:worktrees(options) end

---@param options agentlua.LeftoversOptions
---@return string tip
function repo:commit_leftovers(options) end

---@param options agentlua.SaveOptions
---@return { commit: string, skipped: string[] }
function repo:save(options) end

--- ENOENT, EEXIST, EBUSY.
---@param options agentlua.RestoreOptions
---@return { at: agentlua.At, branch: string, commit: string, submodules: table[] }
function repo:restore(options) end

---@param options agentlua.DiffOptions
---@return agentlua.FileChange[] or a patch
function repo:diff(options) end

---@param options agentlua.AtOptions
---@return string tree with what is not committed
function repo:snapshot(options) end

---@param options? agentlua.AtOptions
---@return { path: string, code: string }[]
function repo:status(options) end

--- Begins a merge or rebase in a linked worktree.
---@param options agentlua.OperationOptions
---@return { operation: string, conflicts: table[], head: string }
function repo:operation_start(options) end

---@param options agentlua.OperationOptions
---@return { operation: string, conflicts: table[], head: string }
function repo:operation_status(options) end

---@param options agentlua.OperationOptions
---@return { operation: string, conflicts: table[], head: string }
function repo:operation_resolve(options) end

---@param options agentlua.OperationOptions
---@return { operation: string, conflicts: table[], head: string }
function repo:operation_advance(options) end

---@param options agentlua.TipOptions
---@return boolean base has all that tip has
function repo:is_merged(options) end

--- Writes patches to a file.
---@param options agentlua.TipOptions
function repo:format_patch(options) end

--- What killed processes have left in git directories goes.
---@param options? agentlua.AtOptions
function repo:sweep(options) end

---@param options agentlua.LandOptions
---@return agentlua.Landing
function repo:land(options) end

---@param options agentlua.RefOptions
function repo:finish_landing(options) end

---@param options agentlua.RefOptions
---@return string? commit
function repo:recover_landing(options) end

---@param options agentlua.RefOptions
---@return { ref: string, commit: string, moved: number }[]
function repo:dated_refs(options) end

---@param options agentlua.RefOptions
function repo:update_ref(options) end

---@param options agentlua.RefOptions
function repo:delete_ref(options) end

---@param options? agentlua.AtOptions
---@return string "Name <email>"
function repo:identity(options) end

---@param options? agentlua.AtOptions
---@return string what git may start now
function repo:record(options) end

---@param options? agentlua.AtOptions
---@return string[] settings and hooks that are not the recorded ones
function repo:changed(options) end

---@param options? agentlua.AtOptions
---@return table<string, string> ref -> object
function repo:ref_values(options) end

---@param options agentlua.AtOptions
---@return { head: string, mover: string, paths: table<string, string> }
function repo:mark_checkout(options) end

---@param options agentlua.RefOptions
---@return any
function repo:put_back_ref(options) end

--- Commit that a revision names; nil when there is none.
---@param revision string
---@param at? agentlua.At
---@return string?
function repo:resolve(revision, at) end

--- Whether `ancestor` is in the history of `commit`.
---@param commit string
---@param ancestor string
---@return boolean
function repo:contains(commit, ancestor) end

---@param a string
---@param b string
---@return string?
function repo:merge_base(a, b) end

---@param path string
---@param git_dir? string
---@return agentlua.At?
function repo:worktree_find(path, git_dir) end

---@param known table<string, any>
---@return agentlua.At?
function repo:worktree_adopt(known) end

---@param prefix string
---@return string[] names
function repo:refs(prefix) end

return git
