-- agentlua.task.plans: the plan of a task, one Markdown file each: plans/<file stem>-plan.md. A task keeps
-- the name of its file in all statuses, and so its plan.

local core = require "agentlua.core"

local M = {}

--- Where the plan of a task is, whether there is one or not.
function M.path(dir, task)
  return ("%s/%s-plan.md"):format(dir, task.file:gsub("%.json$", ""))
end

--- Text of the plan of a task, or nil.
---@param dir string project:papers "plans"
function M.get(dir, task)
  local path = M.path(dir, task)
  local found = core.fs.stat(path)
  return found and found.type == "file" and core.fs.read(path) or nil
end

--- Writes the plan of a task, in the place of the one that it has.
---@return string path | nil, string message, string code
function M.set(dir, task, text)
  if not text:find "%S" then return nil, "the plan is empty; say what is to be done, and how", "EINVAL" end
  local path = M.path(dir, task)
  local done, message, code = core.fs.mkdir(dir)
  if done then done, message, code = core.fs.write { path = path, content = text } end
  if not done then return nil, message, code end
  return path
end

return M
