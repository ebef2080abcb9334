-- agentlua.options: the options that every loop script understands.

local argparse = require "argparse"
local errors = require "agentlua.errors"

local M = {}

--- Makes a parser whose mistakes are errors of the user's (exit code 2), not the end of the process.
function M.parser(name, description)
  local parser = argparse(name, description)
  function parser:error(message)
    errors.usage("EUSAGE", message .. "\n" .. self:get_usage())
  end
  return parser
end

--- Reads a number above 0; for convert().
function M.count(text)
  local n = math.tointeger(tonumber(text))
  if not n or n < 1 then return nil, "'" .. text .. "' is not a number above 0" end
  return n
end

local function common(parser)
  parser:option("--agent", "backend, or path of an executable (with a slash)"):argname "NAME|PATH"
  parser:option("--model", "model of the agent, or an alias that its backend knows"):argname "M"
  parser:option("--permission", "what the agent may do: full, edit, read, or a mode of its vendor"):argname "P"
  parser:option("--jobs", "tasks at once"):convert(M.count):argname "N"
  parser:option("--max-tasks", "end after that many tasks"):convert(M.count):argname "N"
  parser:option("--task", "only this task"):argname "ID"
  parser:option("--workflow", "only the tasks of this workflow"):argname "NAME"
  parser:flag("--watch", "wait for more tasks instead of ending")
  parser:flag("--dry-run", "say what would run, and end")
  parser:option("--tasks", "task directory"):argname "DIR"
  parser:option("--base", "branch to start from and land on"):argname "BRANCH"
  parser:option("--land", "how to land"):argname "MODE"
    :choices { "squash", "merge", "rebase", "branch", "patch", "none" }
  parser:flag("--push", "push the base after each landing, to `push` of config.lua or origin")
  parser:flag("--verbose", "show what agents print")
end

--- The parser of a loop script, with the options that all of them have.
function M.loop_parser(script)
  local parser = M.parser("agentlua run " .. script)
  common(parser)
  return parser
end

--- Options of the running script, from `arg`. `extend(parser)` adds a script's own.
---@return table options, with `script`, the name of the script
function M.parse(extend)
  local args = rawget(_G, "arg") or {}
  local script = (args[0] or "agentlua"):match("[^/]*$")
  local parser = M.loop_parser(script)
  if extend then extend(parser) end
  local options = M.from_script and parser:parse(table.move(args, 1, #args, 1, {})) or {}
  options.script = args[0] or "agentlua"
  return options
end

--- True while `agentlua run` runs a script: only then `arg` holds options of ours.
M.from_script = false

return M
