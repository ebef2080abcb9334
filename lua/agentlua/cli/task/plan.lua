-- agentlua task plan ID

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local input = require "agentlua.cli.input"
local operations = require "agentlua.task.operations"
local plans = require "agentlua.task.plans"

return {
  summary = "show the plan of a task, or set it; the agents that work on it are told",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:option("--file", "set it from a file, or - for standard input"):argname "FILE"
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local task = errors.check_usage(p.store:get(args.task))
    local dir = p:papers "plans"
    if args.file then operations.plan(p, task, input(args.file)) end
    local path, text = plans.path(dir, task), plans.get(dir, task)
    if args.json then
      print(core.json.dump({ task = task.id, has_plan = text ~= nil, path = path, content = text }, 2))
    elseif args.file then
      print(core.text.printable(path))
    elseif text then
      cli.print_text(text)
    else
      errors.usage("ENOENT", ("task '%s' has no plan; agentlua task plan %s --file FILE gives it one"):format(
        core.text.printable(task.name), task.id8 or task.id))
    end
  end,
}
