-- agentlua task answer ID ANSWER

local core = require "agentlua.core"
local operations = require "agentlua.task.operations"

return {
  summary = "answer the question of a task: the key of an option, or text; the task goes on when none is left",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("answer", "A, B, ... or your own words")
    parser:option("--question", "id of the question; the first one"):argname "QID"
    parser:flag("--skip", "pass the task over with this answer")
  end,
  run = function(args, p)
    local task = operations.task(p, args.task)
    local result = operations.answer(p, task, args.answer, { question = args.question, skip = args.skip })
    if result.discards then
      return require("agentlua.cli.discard").run { task = task.id, tasks = args.tasks }
    end
    local left = result.left
    print(#left == 0 and result.status or ("%d left: %s"):format(#left, core.text.printable(left[1].question)))
  end,
}
