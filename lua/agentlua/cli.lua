-- agentlua.cli: the command line. Each command is a file in cli/; a user's agentlua-foo.lua on the
-- script path is `agentlua foo`.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

-- Loaded when they are used: most of the time of a short command would go into loading.
local function late(name)
  return setmetatable({}, {
    __index = function(_, key) return require(name)[key] end,
    __newindex = function(_, key, value) require(name)[key] = value end,
  })
end
local live, nearest, options = late "agentlua.terminal.live", late "agentlua.nearest", late "agentlua.options"
local place, resource, trust = late "agentlua.place", late "agentlua.resource", late "agentlua.trust"

local M = {}

M.commands = {
  "init", "run", "task", "status", "log", "cost", "stop", "pause", "resume", "say", "diff", "land", "checkpoint",
  "restore", "discard", "clean", "prompt", "decision", "mcp", "edit", "trust", "login", "paths", "doctor", "fsck",
  "check", "test", "repl", "completion", "version",
}

--- The .agentlua of the current directory's project when its code may run, else nil.
function M.trusted_dir()
  local at = place.find "."
  return at and core.fs.stat(at.dir) and trust.has(at.dir) and at.dir or nil
end

local function usage()
  local lines = { "Usage: agentlua [-C DIR] COMMAND ...", "", "Commands:" }
  for _, name in ipairs(M.commands) do
    lines[#lines + 1] = ("  %-10s %s"):format(name, require("agentlua.cli." .. name).summary)
  end
  lines[#lines + 1] = "\nagentlua COMMAND --help says more."
  return table.concat(lines, "\n")
end

local function find_command(name)
  for _, known in ipairs(M.commands) do
    if known == name then return require("agentlua.cli." .. name) end
  end
  local own = name:match "^[%w_-]+$" and resource.find("scripts", "agentlua-" .. name .. ".lua", M.trusted_dir())
  if own then
    return { run_raw = function(args)
      return require("agentlua.cli.run").run_raw { own.path, table.unpack(args) }
    end }
  end
  errors.usage("EUSAGE", ("unknown command '%s'; the nearest is '%s'; agentlua --help lists all"):format(
    core.text.printable(name), (nearest.find(name, M.commands))))
end

local function parser_of(name, command)
  local parser = options.parser("agentlua " .. name, command.summary)
  if command.configure then command.configure(parser) end
  return parser
end

--- The commands as {name, summary, parser | commands}; for completion.
function M.list()
  local all = {}
  for i, name in ipairs(M.commands) do
    local command = require("agentlua.cli." .. name)
    all[i] = { name = name, summary = command.summary, commands = command.list and command.list() }
    if not command.list then all[i].parser = (command.parser or parser_of)(name, command) end
  end
  return all
end

local function dispatch(argv)
  local args = table.move(argv, 1, #argv, 1, {})
  while args[1] == "-C" do
    if not args[2] then errors.usage("EUSAGE", "-C needs a directory") end
    errors.check_usage(core.fs.chdir(args[2]))
    place.explicit = true
    args = table.move(args, 3, #args, 1, {})
  end
  local name = table.remove(args, 1)
  if name == nil then errors.usage("EUSAGE", "no command; agentlua --help lists all") end
  if name == "--help" or name == "-h" or name == "help" then
    print(usage())
    return 0
  end
  if name == "--version" then name = "version" end
  local command = find_command(name)
  if command.run_raw then return command.run_raw(args, argv[0]) end
  if #args == 0 and not command.configure then return command.run {} or 0 end
  local parser = parser_of(name, command)
  return command.run(parser:parse(args), parser) or 0
end

local function show(err, json)
  if err.code == "ESCRIPT" then
    errors.warn(tostring(err))
  elseif json then
    local message, hint = err.message:match "^(.-); (.*)$"
    io.stderr:write(core.json.dump { error = { code = err.code, message = message or err.message, hint = hint } }, "\n")
  else
    errors.warn(err.message)
  end
end

--- Runs the command line in `argv` (argv[0] is the program); returns the exit code.
function M.main(argv)
  local json = false
  for _, word in ipairs(argv) do json = json or word == "--json" end
  local ok, result = errors.try(dispatch, argv)
  if ok then return result end
  show(result, json)
  return result.exit
end

--- The lines of a table of rows, columns padded; cells are made safe for a terminal. On a terminal
--- `colour(column, cell)` gives the number of a cell's colour, or nil.
function M.table_lines(rows, colour)
  local widths, lines, painted = {}, {}, colour and live.has_colour()
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      row[i] = core.text.printable(tostring(cell)):gsub("\n", " ")
      widths[i] = math.max(widths[i] or 0, utf8.len(row[i]) or #row[i])
    end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local paint = painted and colour(i, cell)
      local pad = i < #row and (" "):rep(widths[i] - (utf8.len(cell) or #cell)) or ""
      cells[i] = (paint and ("\27[%sm%s\27[0m"):format(paint, cell) or cell) .. pad
    end
    lines[#lines + 1] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return lines
end

--- Prints such a table.
function M.print_table(rows, colour)
  for _, line in ipairs(M.table_lines(rows, colour)) do print(line) end
end

--- Prints a text, whose lines are its own: as it is, but on a terminal made safe.
function M.print_text(text)
  io.stdout:write(core.fs.host({}).terminal and core.text.printable(text) or text)
end

return M
