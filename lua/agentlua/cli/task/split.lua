-- agentlua task split ID NAME NAME...

local claim = require "agentlua.cli.claim"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local questions = require "agentlua.questions"

local open = { todo = true, analysed = true, ["needs-input"] = true, failed = true, skipped = true }

return {
  summary = "put parts in the place of a task; from an agent it is a proposal that a person approves",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("part", "name of a part"):args "+"
    parser:option("--reason", "why"):argname "TEXT"
  end,
  run = function(args, p)
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    local proposal = { reason = args.reason, sub_tasks = {} }
    for i, name in ipairs(args.part) do
      if not name:find "%S" then errors.usage("EINVAL", "part " .. i .. " has no name") end
      proposal.sub_tasks[i] = { name = name }
    end
    if claim(p, task, { to = "needs-input", split_proposal = proposal }) then return end
    if not open[task.status] then
      errors.usage("ESTATE", ("task '%s' is in %s; split is not possible from there"):format(task.id, task.status))
    end
    for _, child in ipairs(questions.approve(p.store, task, proposal)) do print(child.id) end
    p.events:append("task_moved", { task = task.id, from = task.status, to = "split", by = "person" })
  end,
}
