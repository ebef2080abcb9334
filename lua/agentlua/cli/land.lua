-- agentlua land ID

local by_hand = require "agentlua.work.by_hand"
local view = require "agentlua.view"

return {
  summary = "verify and land the branch of a task that waits for it",
  configure = function(parser)
    parser:argument("task", "id, prefix or slug")
    parser:option("--onto", "another branch than the one that it started from"):argname "BRANCH"
    parser:option("--mode", "how"):choices { "squash", "merge", "rebase" }
  end,
  run = function(args)
    local result = by_hand.land(args.task, args)
    view.say(("%s  %s%s"):format(result.name, result.status, result.reason and ": " .. result.reason or ""))
    return result.status == "done" and 0 or 1
  end,
}
