-- agentlua run SCRIPT [ARGS]

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local options = require "agentlua.options"
local resource = require "agentlua.resource"
local scheduler = require "agentlua.fiber.scheduler"

local M = { summary = "run a Lua script: a loop like execute.lua, or your own" }

local help = [[
Usage: agentlua run SCRIPT [ARGS]

SCRIPT is a path, the name of a script (execute.lua, analyse.lua, both.lua, your own in .agentlua/scripts),
or - for standard input. `arg` holds the arguments as in lua. Scripts that open a project understand the
common options; agentlua run SCRIPT --help lists them.]]

-- The text of a script. A bare name is looked for where scripts are first: a file of that name in the
-- current directory, which may be somebody else's, does not come before them.
local function find_script(name, dir)
  if name == "-" then return { path = "stdin", text = io.read "a", placeless = true } end
  if not name:find("/", 1, true) then
    local file = name:match "%.lua$" and name or name .. ".lua"
    local found = resource.find("scripts", file, dir)
    if found then return found end
  end
  local text, message, code = core.fs.read(name)
  if text then return { path = name, text = text } end
  if code ~= "ENOENT" then errors.usage(code, message) end
  errors.usage("ENOSCRIPT", ("unknown script '%s'; agentlua paths shows where scripts are found"):format(
    core.text.printable(name)))
end

local function set_paths(script, dir)
  local dirs = { dir and dir .. "/lua" }
  if not script.embedded and not script.placeless then
    table.insert(dirs, 1, script.path:match "^(.*)/[^/]*$" or ".")
  end
  local path = {}
  for _, d in ipairs(dirs) do path[#path + 1] = d .. "/?.lua;" .. d .. "/?/init.lua" end
  path[#path + 1] = package.path
  package.path = table.concat(path, ";")
end

--- What can be typed after `run`, whatever the script adds; for completion.
function M.parser()
  local parser = options.loop_parser "SCRIPT"
  parser:argument("script"):args "+"
  return parser
end

function M.run_raw(args, program)
  if not args[1] then errors.usage("EUSAGE", "no script; agentlua run --help says more") end
  if args[1] == "--help" or args[1] == "-h" then
    print(help)
    return 0
  end
  local dir = cli.trusted_dir()
  local script = find_script(args[1], dir)
  local chunk, problem = load(script.text, "@" .. script.path, "t")
  if not chunk then errors.usage("ESYNTAX", problem) end
  set_paths(script, dir)
  local script_arg = { [-1] = program, [0] = script.path }
  rawset(_G, "arg", table.move(args, 2, #args, 1, script_arg))
  options.from_script = true
  local watch <close> = scheduler.watch(5)
  local result = fiber.run(chunk, table.unpack(args, 2))
  if type(result) == "table" then result = result.code end
  if result == false then return 1 end
  return math.tointeger(result) or 0
end

return M
