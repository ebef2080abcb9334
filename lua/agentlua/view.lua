-- agentlua.view: what people see of a run: one line per step on stdout, colour on a terminal only.

local core = require "agentlua.core"

local M = {}

local terminal = core.fs.host({}).terminal and not os.getenv "NO_COLOR"
local colour = { start = "36", ["end"] = "32", error = "31", dim = "2" }

--- Prints one line; whatever came from outside can do nothing to a terminal.
function M.say(text, kind)
  text = core.text.printable(text):gsub("\n", "\n  ")
  if terminal and colour[kind] then text = ("\27[%sm%s\27[0m"):format(colour[kind], text) end
  io.stdout:write(os.date "%H:%M:%S ", text, "\n")
  io.stdout:flush()
end

--- What is shown of an agent's events: with --verbose its text, else nothing.
function M.events(options)
  return function(task, event)
    if options.verbose and event.type == "text" then M.say(("  %s| %s"):format(task.id8 or "", event.text), "dim") end
  end
end

--- Says what would run next and what keeps the others.
function M.dry_run(answer)
  if answer.task then
    M.say(("would run '%s'; %d of the tasks can run now"):format(answer.task.name, answer.ready))
  else
    M.say "nothing can run"
  end
  for _, task in ipairs(answer.blocked) do
    M.say(("'%s' waits: %s"):format(task.name, task.reasons[1].text))
  end
  return { reason = "dry_run", code = 0 }
end

function M.summary(record)
  local c = record.counts
  M.say(("run %s ended: %s; %d done, %d failed, %d waiting for a person"):format(record.id, record.reason, c.done,
    c.failed, c.waiting))
end

return M
