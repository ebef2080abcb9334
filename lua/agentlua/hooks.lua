-- agentlua.hooks: .agentlua/hooks.lua, functions of the user's that a run calls. The file is read once, when the
-- run starts. An error in a hook is reported and does not stop the run.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local nearest = require "agentlua.nearest"

local M = {}

--- What a hook is called with, and what it may return.
M.names = {
  on_task_start = "(task, run)", on_prompt = "(prompt, task, run) -> prompt", on_event = "(event, task, run)",
  on_result = "(result, task, run)", before_land = "(task, tree, run) -> false, reason: it waits for a person",
  after_land = "(task, tree, run)", on_needs_input = "(task, questions, run)", on_stop = "(reason, run)",
}

--- The hooks of a project; an empty table when it has none. Raises ECONFIG.
function M.load(path)
  local text, message, code = core.fs.read(path)
  if not text then
    if code == "ENOENT" then return {} end
    errors.usage(code, message)
  end
  local chunk, problem = load(text, "@" .. path, "t")
  if not chunk then errors.usage("ECONFIG", problem) end
  local ok, hooks = errors.try(chunk)
  if not ok then error(hooks, 0) end
  if type(hooks) ~= "table" then errors.usage("ECONFIG", path .. ": must return a table of functions") end
  for name, hook in pairs(hooks) do
    if not M.names[name] then
      errors.usage("ECONFIG", ("%s: there is no hook '%s'; the nearest is '%s'"):format(path, tostring(name),
        nearest.key(tostring(name), M.names)))
    end
    if type(hook) ~= "function" then errors.usage("ECONFIG", ("%s: '%s' must be a function"):format(path, name)) end
  end
  return hooks
end

--- Calls a hook of a run, if there is one; returns what it returns, or nothing when it fails.
function M.call(run, name, ...)
  local hook = run.hooks[name]
  if not hook then return end
  local results = table.pack(errors.try(hook, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  run:event("hook_failed", { hook = name, error = results[2].message })
  errors.warn(("hook %s: %s"):format(name, tostring(results[2])))
end

return M
