-- agentlua discard ID

local by_hand = require "agentlua.work.by_hand"
local core = require "agentlua.core"
local project = require "agentlua.project"

return {
  summary = "give the work on a task up: it is saved, worktree and branch go, the task is cancelled",
  configure = function(parser) parser:argument("task", "id, unique prefix or slug") end,
  run = function(args)
    local result = by_hand.discard(project.open { options = { tasks = args.tasks } }, args.task)
    for _, ref in ipairs(result.refs) do print("saved as " .. ref) end
    for _, path in ipairs(result.skipped) do print("over save_limit, not saved: " .. core.text.printable(path)) end
    print(("%s  cancelled: %s"):format(core.text.printable(result.name), result.reason))
  end,
}
