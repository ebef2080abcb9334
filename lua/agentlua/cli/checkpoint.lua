-- agentlua checkpoint ID

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local project = require "agentlua.project"

return {
  summary = "keep the worktree of a task as it is now, also while it is worked on",
  configure = function(parser)
    parser:argument("task", "id, prefix or slug")
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local task = errors.check_usage(p.store:get(args.task))
    local kept = p:checkpoint(task)
    if args.json then return print(core.json.dump(kept)) end
    local text = "checkpoint %d of '%s'; agentlua restore %s --checkpoint %d --to DIR makes a worktree of it"
    print(core.text.printable(text:format(kept.n, task.name, task.id8 or task.id, kept.n)))
    for _, path in ipairs(kept.skipped) do print("not in it: " .. core.text.printable(path)) end
  end,
}
