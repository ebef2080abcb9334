-- agentlua.run.remains: the tasks that remain when nothing can run, and whether they ever can.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local view = require "agentlua.view"

local M = {}

--- "deadlock" when none of them ever can, which is said once; else "drained", and what they wait for is said, unless
--- `quiet`.
function M.report(loops, quiet)
  local from, never = core.json.array(), 0
  for _, loop in ipairs(loops) do table.move(loop.from, 1, #loop.from, #from + 1, from) end
  local blocked = loops.workflows:only_ours(errors.check(loops.project.store:next(from)).blocked)
  local lines = {}
  for _, task in ipairs(blocked) do
    if task.kind == "ever" then never = never + 1 end
    for _, why in ipairs(task.reasons) do
      lines[#lines + 1] = ("'%s' cannot run%s: %s"):format(task.name, task.kind == "ever" and "" or " yet", why.text)
    end
  end
  local stuck = #blocked > 0 and never == #blocked
  if not stuck then
    for _, line in ipairs(quiet and {} or lines) do view.say(line) end
    return "drained"
  end
  local said = table.concat(lines, "\n")
  if said ~= loops.said then
    errors.warn((said:gsub("\n", "\nagentlua: ")))
    loops.run:event("deadlock", { blocked = core.json.array(lines) })
  end
  loops.said = said
  return "deadlock"
end

return M
