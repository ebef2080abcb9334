-- agentlua say TASK TEXT [--urgent]

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local project = require "agentlua.project"
local runs = require "agentlua.run"
local whispers = require "agentlua.attempt.whispers"

-- Statuses in which no agent will come to hear it.
local over = { done = true, split = true, cancelled = true }

return {
  summary = "say something to the agent of a task: in its next prompt, or at once",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("text", "what it is told")
    parser:flag("--urgent", "end the attempt that runs, and go on at once with what was said")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local task = errors.check_usage(p.store:get(args.task))
    if not args.text:find "%S" then errors.usage("EUSAGE", "there is nothing to say: the text is empty") end
    if over[task.status] then
      errors.usage("ESTATE", ("task '%s' is in %s and has no agent any more; agentlua task reopen %s"):format(task.name,
        task.status, task.id8))
    end
    whispers.add(p, task.id, args.text, args.urgent)
    p.events:append("said", { task = task.id, text = args.text, urgent = args.urgent or false })
    local owned = p.store:is_owned(task.id)
    for _, run in ipairs(runs.list(p)) do
      if run.alive then errors.check(runs.send(p, run.id, { op = "say", task = task.id, urgent = args.urgent })) end
    end
    local when = not owned and "when an agent begins to work on it" or args.urgent and "now" or "with its next prompt"
    print(core.text.printable(("'%s' is told %s"):format(task.name, when)))
  end,
}
