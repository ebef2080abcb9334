-- agentlua task approve ID

local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

return {
  summary = "split a task as it proposes; prints the ids of the parts",
  configure = function(parser) parser:argument("task", "id, unique prefix or slug") end,
  run = function(args, p)
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    for _, child in ipairs(questions.approve(p.store, task)) do print(child.id) end
    p.events:append("task_moved", { task = task.id, from = task.status, to = "split", by = "person" })
  end,
}
