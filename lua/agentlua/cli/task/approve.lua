-- agentlua task approve ID

local operations = require "agentlua.task.operations"

return {
  summary = "split a task as it proposes; prints the ids of the parts",
  configure = function(parser) parser:argument("task", "id, unique prefix or slug") end,
  run = function(args, p)
    for _, child in ipairs(operations.approve(p, operations.task(p, args.task)).children) do print(child.id) end
  end,
}
