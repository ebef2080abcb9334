-- agentlua.work.janitor: puts away what tasks have left in git: whatever only that has is kept on a ref first.

local errors = require "agentlua.errors"
local fields = require "agentlua.fields"

local M = {}

local saved_prefix = "refs/agentlua/saved/"

-- Keeps a commit that the base has not on a ref, once; returns that ref.
local function keep_commit(p, finding, commit)
  local repo, base = p:repo(), finding.known.base or p.config.base or p:repo().branch
  local top = base and repo:resolve("refs/heads/" .. base)
  if not commit or top and repo:contains(top, commit) then return nil end
  for _, ref in ipairs(errors.check(repo:dated_refs { prefix = saved_prefix .. finding.id8 .. "/" })) do
    if ref.commit == commit then return nil end
  end
  local ref = p:new_saved_ref(finding.id8, "saved", 1, "branch-")
  errors.check(repo:update_ref { ref = ref, commit = commit, expected = "" })
  p:event("saved", { task = finding.task and finding.task.id, ref = ref, commit = commit })
  return ref
end

local remove = {}

function remove.worktree(p, finding)
  local known, repo, refs = finding.known, p:repo(), {}
  local tree = p:tree_at(known)
  local tip = known.branch ~= "" and repo:resolve("refs/heads/" .. known.branch) or nil
  refs[1] = keep_commit(p, finding, tip)
  refs[#refs + 1] = tree.at and keep_commit(p, finding, repo:resolve("HEAD", tree.at)) -- it may be detached
  local ref = p:new_saved_ref(finding.id8, "saved")
  local gone, saved, reason = p:put_away(tree, ref, tip, finding.whole)
  if saved.commit ~= "" then
    p:event("saved", {
      task = finding.task and finding.task.id, ref = ref, commit = saved.commit, skipped = saved.skipped,
    })
    refs[#refs + 1] = ref
  end
  if not gone then errors.check(nil, reason, "EKEPT") end
  return refs, saved.skipped
end

function remove.branch(p, finding)
  local ref = "refs/heads/" .. finding.name
  local tip = p:repo():resolve(ref)
  local kept = keep_commit(p, finding, tip)
  if tip then errors.check(p:repo():delete_ref { ref = ref, commit = tip }) end
  return { kept }, {}
end

function remove.ref(p, finding)
  errors.check(p:repo():delete_ref { ref = finding.name, commit = finding.commit })
  return {}, {}
end

--- Puts away what orphans.lua has found. Raises, with the reason, when it has to stay.
---@return string[] refs that have what was in it, string[] skipped ignored files over save_limit
function M.remove(p, finding)
  local task = finding.task
  if task and (errors.check(p.store:get(task.id)).status ~= task.status or p.store:is_owned(task.id)) then
    errors.check(nil, ("'%s' is kept: somebody has taken task '%s' up again"):format(finding.name, task.id), "ELOCKED")
  end
  return remove[finding.kind](p, finding)
end

--- Puts away the worktrees and branches that a task remembers.
---@return string[] refs, string[] skipped
function M.remove_work(p, task)
  local refs, skipped = {}, {}
  for _, field in ipairs { "worktree", "analysis_worktree" } do
    local known = task[field]
    local tree, message, code = p:remembered_tree(task, field)
    if code == "EFOREIGN" then errors.warn(message) end
    if tree then
      local more, left = M.remove(p, {
        kind = "worktree", name = known.path, known = known, task = task, id8 = fields.id8(task),
        whole = true,
      })
      table.move(more, 1, #more, #refs + 1, refs)
      table.move(left, 1, #left, #skipped + 1, skipped)
      known.ready = false -- there is nothing to go on with
      errors.check(p.store:update(task.id, { [field] = known }))
    end
  end
  return refs, skipped
end

return M
