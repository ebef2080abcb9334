-- agentlua.verify: what counts as done. Methods of a project.

local core = require "agentlua.core"
local environment = require "agentlua.environment"
local errors = require "agentlua.errors"
local sandbox = require "agentlua.sandbox"

local M = {}

local function run_check(project, run, task, tree, check)
  local argv = table.move(check.argv, 1, #check.argv, 1, {
    cwd = tree.path, stderr = "merge", timeout = check.timeout or 1800,
    env = environment.of(project, run, task), launcher = sandbox.launcher(project, run, task, tree.path, check.argv[1]),
  })
  local child <close>, message = run:spawn(task, argv)
  if not child then return { code = -1, stdout = message } end
  local result = child:wait()
  run:forget(child)
  return result
end

--- Runs the `verify` commands of config.lua in a worktree. The commands come from the trusted
--- configuration, never from the tree. Evidence is kept in the task.
---@return boolean ok, string? feedback  for the next attempt: which command failed and its output
function M.verify(project, task, tree)
  local run, evidence, failures = project.run, core.json.array(), {}
  for i, check in ipairs(project.config.verify) do
    local name = check.name or table.concat(check.argv, " ")
    local result = run_check(project, run, task, tree, check)
    local ok = result.code == 0
    evidence[i] = {
      name = name, code = result.code, bound = result.bound, seconds = result.seconds,
      output_sha256 = core.text.sha256(result.stdout), time = core.time.iso(),
    }
    run:event("verify_ended", { task = task.id, name = name, ok = ok, code = result.code, bound = result.bound })
    if not ok and check.required ~= false then
      failures[#failures + 1] = ("Verification '%s' failed (%s):\n\n%s"):format(name,
        result.bound and "time limit" or "exit code " .. result.code, result.stdout:sub(-4000))
    end
    if run.stopping then return false, "stopped" end
  end
  if #evidence > 0 then errors.check(project.store:update(task.id, { verification = evidence })) end
  if #failures > 0 then return false, table.concat(failures, "\n\n") end
  return true
end

return M
