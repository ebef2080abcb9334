-- agentlua task reject ID

local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

return {
  summary = "do not split a task; it is worked on as it is, and told so",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:option("--reason", "why"):argname "TEXT"
  end,
  run = function(args, p)
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    local patch, to = questions.reject(task, args.reason)
    errors.check_usage(p.store:move(task.id, to, patch))
    p.events:append("task_moved", { task = task.id, from = task.status, to = to, by = "person" })
    print(to)
  end,
}
