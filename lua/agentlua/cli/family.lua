-- agentlua.cli.family: commands that have commands, like agentlua task. All know --tasks.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local options = require "agentlua.options"
local project = require "agentlua.project"

--- Makes the command `family` of the commands `names`. find(name) -> {summary, configure(parser), run(args, p),
--- makes = a task directory that is not there is made} or nil.
return function(family, summary, names, find)
  local M = { summary = summary, commands = names }

  local function parser_of(name, found)
    local parser = options.parser(("agentlua %s %s"):format(family, name), found.summary)
    parser:option("--tasks", "task directory"):argname "DIR"
    found.configure(parser)
    return parser
  end

  local function usage()
    local lines = { ("Usage: agentlua %s COMMAND ..."):format(family), "", "Commands:" }
    for _, name in ipairs(names) do lines[#lines + 1] = ("  %-9s %s"):format(name, find(name).summary) end
    return table.concat(lines, "\n")
  end

  --- The commands as {name, summary, parser}; for completion.
  function M.list()
    local all = {}
    for i, name in ipairs(names) do
      local found = find(name)
      all[i] = { name = name, summary = found.summary, parser = parser_of(name, found) }
    end
    return all
  end

  function M.run_raw(args)
    local name = table.remove(args, 1)
    if not name then
      errors.usage("EUSAGE", ("no command after '%s'; agentlua %s --help lists all"):format(family, family))
    end
    if name == "--help" or name == "-h" then
      print(usage())
      return 0
    end
    local found = find(name)
    if not found then
      errors.usage("EUSAGE", ("unknown command '%s %s'; agentlua %s --help lists all"):format(family,
        core.text.printable(name), family))
    end
    local parsed = parser_of(name, found):parse(args)
    return found.run(parsed, project.open { options = { tasks = parsed.tasks }, look = not found.makes }) or 0
  end

  return M
end
