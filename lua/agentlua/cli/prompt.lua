-- agentlua prompt NAME TASK

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local operations = require "agentlua.task.operations"
local project = require "agentlua.project"

-- The names that templates know, with the beginning of what each says.
local function show_names(names, json)
  if json then return print(core.json.dump(names, 2)) end
  local rows = {}
  for name, value in pairs(names) do
    local text = tostring(value)
    local line = text:match "[^\n]*"
    rows[#rows + 1] = { name, #line < #text and line .. " ..." or line }
  end
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  cli.print_table(rows)
end

return {
  summary = "what an agent would be told of a task, before hooks; nothing is started or changed",
  configure = function(parser)
    parser:argument("name", "a prompt: execute, analyse, your own")
    parser:argument("task", "id, unique prefix or slug")
    parser:flag("--names", "the names that the prompt may use, and what they say")
    parser:flag("--json", "these, for machines")
    parser:option("--tasks", "task directory"):argname "DIR"
  end,
  run = function(args)
    if args.name:find "[/%c]" then
      errors.usage("ENOPROMPT", "'" .. core.text.printable(args.name) .. "' is not the name of a prompt")
    end
    local p = project.open { options = { tasks = args.tasks }, look = true }
    local task = operations.task(p, args.task)
    local text = p:prompt(args.name, task)
    if args.names or args.json then return show_names(p:prompt_names(task), args.json) end
    cli.print_text(text)
  end,
}
