-- agentlua.work.cleanup: worktrees are put away: whatever only they have is kept on a ref first. Methods of a project.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"

local M = {}

-- A restore or a removal of it was cut off: all that was in it is on a ref already.
local function is_half_made(tree)
  return (core.fs.read(tree.at.git_dir .. "/locked") or ""):find "^%a+ by agentlua: being re" ~= nil
end

-- git had removed the files, and was killed before it forgot the worktree.
local function is_half_forgotten(tree)
  local head = core.fs.read(tree.at.git_dir .. "/HEAD")
  return not core.fs.stat(tree.path) and head == "ref: refs/heads/" .. tree.branch .. "\n"
end

--- Saves on `ref` what only the worktree has, reads it back, then removes worktree and branch; the
--- branch goes only if it is at `tip`. What is a copy of a file in the main checkout needs no saving.
--- `whole`: the worktree is kept also when its branch has all of it.
---@return boolean gone, table saved {commit, skipped}, string? reason why it stays
function M.put_away(project, tree, ref, tip, whole)
  local repo, saved = project:repo(), { commit = "", skipped = {} }
  if tree.at and not is_half_made(tree) and not is_half_forgotten(tree) then
    local known, message = repo:unchanged_copies(project:copies_for(tree.path))
    if not known then return false, saved, message end
    local kept
    kept, message = repo:save {
      at = tree.at, ref = ref, limit = project.config.save_limit, known = known, always = whole or false,
    }
    if not kept then return false, saved, message end
    saved = kept
    for _, path in ipairs(saved.skipped) do
      if path:sub(-1) == "/" then -- only the directory has it
        return false, saved, "'" .. path .. "' is a repository of its own"
      end
    end
  end
  local ok, message = repo:worktree_remove {
    tree = project:checkout_of(tree), branch = tree.branch, tip = tip or "", saved = saved.commit,
  }
  if not ok then return false, saved, message end
  core.fs.remove(tree.path:match "^(.*)/") -- the directory of all worktrees, when this was the last
  return true, saved
end

--- Puts the worktree of a task away. What cannot be saved or removed stays, and the event log says why.
function M.cleanup(project, task, tree, tip)
  local ref = project:new_saved_ref(fields.id8(task), "saved", #(task.attempts or {}))
  local gone, saved, reason = project:put_away(tree, ref, tip)
  if saved.commit ~= "" then
    project:event("saved", { task = task.id, ref = ref, commit = saved.commit, skipped = saved.skipped })
  end
  if not gone then
    project:event("cleanup_refused", { task = task.id, reason = reason })
    return false
  end
  if tree.field == "analysis_worktree" then
    errors.check(project.store:update(task.id, { analysis_worktree = core.json.null }))
    task.analysis_worktree = nil
  end
  return true
end

--- Puts away the worktree for reading that a task still has because its analysis was cut off.
function M.drop_analysis(project, task)
  local tree = project:remembered_tree(task, "analysis_worktree")
  if tree then project:cleanup(task, tree, project:repo():resolve("refs/heads/" .. tree.branch)) end
end

return M
