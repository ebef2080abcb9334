-- agentlua fsck

local core = require "agentlua.core"
local fsck = require "agentlua.task.fsck"
local project = require "agentlua.project"

return {
  summary = "look whether tasks, runs, worktrees and refs are as they must be; changes nothing",
  configure = function(parser)
    parser:option("--tasks", "task directory"):argname "DIR"
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = { tasks = args.tasks }, look = true }
    local found = fsck.run(p)
    local damaged = false
    for _, one in ipairs(found) do
      damaged = damaged or one.kind == "damage"
      if not args.json then
        print(core.text.printable(("%-8s  %s: %s; %s"):format(one.kind, one.where, one.message, one.hint)))
      end
    end
    if args.json then
      print(core.json.dump({ ok = not damaged, findings = found }, 2))
    elseif #found == 0 then
      print "all is well"
    end
    return damaged and 4 or 0
  end,
}
