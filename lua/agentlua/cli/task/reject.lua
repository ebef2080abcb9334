-- agentlua task reject ID

local operations = require "agentlua.task.operations"

return {
  summary = "do not split a task; it is worked on as it is, and told so",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:option("--reason", "why"):argname "TEXT"
  end,
  run = function(args, p)
    print(operations.reject(p, operations.task(p, args.task), args.reason).status)
  end,
}
