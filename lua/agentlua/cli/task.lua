-- agentlua task COMMAND: the tasks, for people and for agents. One file per command in task/.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local options = require "agentlua.options"
local project = require "agentlua.project"
local states = require "agentlua.cli.task.states"

local M = { summary = "add, list, show, change tasks" }

M.commands = {
  "add", "import", "list", "show", "next", "edit", "log", "wait", "analysed", "ask", "answer", "approve", "reject",
  "split",
}

local function command(name)
  for _, known in ipairs(M.commands) do
    if known == name then return require("agentlua.cli.task." .. name) end
  end
  return states[name]
end

local function usage()
  local lines = { "Usage: agentlua task COMMAND ...", "", "Commands:" }
  for _, name in ipairs(M.commands) do lines[#lines + 1] = ("  %-8s %s"):format(name, command(name).summary) end
  for _, name in ipairs(states.names) do lines[#lines + 1] = ("  %-8s %s"):format(name, states[name].summary) end
  return table.concat(lines, "\n")
end

local function parser_of(name, found)
  local parser = options.parser("agentlua task " .. name, found.summary)
  parser:option("--tasks", "task directory"):argname "DIR"
  found.configure(parser)
  return parser
end

--- The commands as {name, summary, parser}; for completion.
function M.list()
  local all = {}
  for _, names in ipairs { M.commands, states.names } do
    for _, name in ipairs(names) do
      local found = command(name)
      all[#all + 1] = { name = name, summary = found.summary, parser = parser_of(name, found) }
    end
  end
  return all
end

function M.run_raw(args)
  local name = table.remove(args, 1)
  if not name then
    errors.usage("EUSAGE", "no command after 'task'; agentlua task --help lists all")
  end
  if name == "--help" or name == "-h" then
    print(usage())
    return 0
  end
  local found = command(name)
  if not found then
    errors.usage("EUSAGE", "unknown command 'task " .. core.text.printable(name) .. "'; agentlua task --help lists all")
  end
  local parsed = parser_of(name, found):parse(args)
  return found.run(parsed, project.open { options = { tasks = parsed.tasks }, look = not found.makes }) or 0
end

return M
