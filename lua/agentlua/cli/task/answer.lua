-- agentlua task answer ID ANSWER

local dotbot = require "agentlua.dotbot"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

return {
  summary = "answer the question of a task: the key of an option, or text; the task goes on when none is left",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("answer", "A, B, ... or your own words")
    parser:option("--question", "id of the question; the first one"):argname "QID"
    parser:flag("--skip", "pass the task over with this answer")
  end,
  run = function(args, p)
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    if task.status ~= "needs-input" then
      errors.usage("ESTATE", ("task '%s' is in %s, not in needs-input"):format(task.id, task.status))
    end
    local patch, to, action = questions.answer(task, args.answer, { question = args.question, skip = args.skip })
    if action == "discard" then -- from where it is: a runner must not take it in between
      errors.check_usage(p.store:update(task.id, patch))
      p.events:append("answered", { task = task.id, to = "cancelled" })
      return require("agentlua.cli.discard").run { task = task.id }
    end
    if p.dotbot then to, patch = dotbot.translate(task, to, patch) end
    task = fields.sound(errors.check_usage(p.store:move(task.id, to, patch)))
    p.events:append("answered", { task = task.id, to = to })
    local left = questions.pending(task)
    print(#left == 0 and to or ("%d left: %s"):format(#left, require("agentlua.core").text.printable(left[1].question)))
  end,
}
