-- agentlua task done|skip|cancel|reopen|restart ID: changes of state, by a person.

local operations = require "agentlua.task.operations"

local M = { names = { "done", "skip", "cancel", "reopen", "restart" } }

local summaries = {
  skip = "pass a task over; what depends on it cannot run",
  cancel = "give a task up for good",
  reopen = "put a task that has ended back to todo; its work so far is gone on with",
  restart = "put a task back to todo and start over on the new base; its branch is kept",
  done = "say that a task is done; one that has a branch is verified and landed",
}

for _, name in ipairs(M.names) do
  M[name] = {
    summary = summaries[name],
    configure = function(parser)
      parser:argument("task", "id, unique prefix or slug"):args "+"
      parser:option("--reason", "why")
    end,
    run = function(args, p)
      local code = 0
      for _, key in ipairs(args.task) do
        local task = operations.task(p, key)
        local result = operations.change(p, task, name, args.reason)
        if result.noted then print(result.noted) end
        if result.lands then
          code = math.max(code, require("agentlua.cli.land").run { task = task.id, tasks = args.tasks })
        end
      end
      return code
    end,
  }
end

return M
