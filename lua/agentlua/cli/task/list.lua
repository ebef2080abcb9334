-- agentlua task list

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"

return {
  summary = "all tasks, or those of one status",
  configure = function(parser)
    parser:option("--status", "only these"):choices(core.store.statuses):argname "STATUS"
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local tasks = errors.check(p.store:list(args.status))
    if args.json then
      print(core.json.dump(core.json.array(tasks), 2))
    else
      local rows = {}
      for i, task in ipairs(tasks) do
        rows[i] = { task.id8 or core.text.id8(task.id), task.status, tostring(task.priority or ""), task.name }
      end
      cli.print_table(rows)
    end
    for _, problem in ipairs(errors.check(p.store:problems())) do
      io.stderr:write("agentlua: unreadable: ", core.text.printable(problem.reason), "\n")
    end
  end,
}
