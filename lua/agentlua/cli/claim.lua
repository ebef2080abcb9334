-- agentlua.cli.claim: what an agent says of its own task. The owner of the task judges it when the
-- agent ends: it verifies, lands and moves.

local errors = require "agentlua.errors"
local runs = require "agentlua.run"

--- Inside a run, for the task that the run works on: notes the change and returns true.
---@param change { to: string } and what belongs to it
return function(p, task, change)
  local run = os.getenv "AGENTLUA_RUN_ID"
  if not run or os.getenv "AGENTLUA_TASK_ID" ~= task.id then return false end
  change.op, change.task = "claim", task.id
  errors.check_usage(runs.send(p, run, change))
  print("noted: " .. change.to .. "; it is judged when you end")
  return true
end
