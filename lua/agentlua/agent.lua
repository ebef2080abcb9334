-- agentlua.agent: backends. A backend says how an agent is started and what its output means; one
-- file per vendor in agents/, and any executable by its path.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local resource = require "agentlua.resource"

local M = {}

-- Types of event that an agent may print as JSON lines.
M.event_types = {
  session = true, text = true, thinking = true, tool_call = true, tool_result = true, usage = true,
  limit = true, auth = true, error = true, result = true, question = true,
}

--- Event in a line of output: a JSON object whose `type` is one of ours, else text.
function M.decode(line)
  if line:sub(1, 1) == "{" then
    local event = core.json.parse(line)
    if type(event) == "table" and M.event_types[event.type] then return event end
  end
  return { type = "text", text = line }
end

--- Ending of an attempt from its events and the way its process ended. Structured facts win; what
--- an agent writes in prose never counts.
---@return string ending
function M.classify(state, result, stopping)
  if stopping then return "stopped" end
  if result.bound then return "timeout" end
  if state.limit then return "limit" end
  if state.auth then return "auth" end
  if state.question then return "needs_input" end
  if state.skip then return "refused" end
  local ended_well = result.code == 0 or result.lingered -- it had said all, and was ended by us
  if ended_well and not state.error then return "done" end
  if result.signal ~= 0 then return "killed" end
  return state.error and "api_error" or "crashed"
end

local backend_type = { decode = M.decode, classify = M.classify }
backend_type.__index = backend_type

local function from_path(path)
  local full = core.fs.realpath(path)
  local info, message = core.fs.stat(full)
  if not info then errors.usage("ENOAGENT", "agent '" .. path .. "': " .. message) end
  if info.type ~= "file" then
    errors.usage("ENOAGENT", "agent '" .. path .. "' is a " .. info.type .. ", not a program")
  end
  if info.mode & 73 == 0 then -- 73: octal 111
    errors.usage("ENOAGENT", "agent '" .. path .. "' is not executable; chmod +x '" .. path .. "'")
  end
  return { argv = { full } }
end

local function from_name(name, project)
  local ok, found = pcall(require, "agentlua.agents." .. name)
  if ok then return found end
  if not tostring(found):find("module 'agentlua.agents." .. name .. "' not found", 1, true) then error(found, 0) end
  local own = project and resource.find("agents", name .. ".lua", project.dir)
  if own then
    found = errors.check_usage(load(own.text, "@" .. own.path, "t"))()
    local argv = type(found) == "table" and found.argv
    if type(argv) == "table" and type(argv[1]) == "string" then return found end
    errors.usage("ENOAGENT", ("agent '%s': %s must return { argv = { \"program\", ... } }"):format(
      name, own.path))
  end
  errors.usage("ENOAGENT", ("unknown agent '%s'; say a name like demo, or the path of a program (./agent.sh)"):format(
    name))
end

--- Loads a backend. With a slash, `name` is the path of an executable: prompt on stdin, the worktree
--- as working directory, exit 0 says done. Raises ENOAGENT when it cannot be started.
function M.load(name, project)
  if not name:find("/", 1, true) and not name:match("^[%w_-]+$") then
    errors.usage("ENOAGENT", "agent name '" .. core.text.printable(name) .. "' is not a name")
  end
  local spec = name:find("/", 1, true) and from_path(name) or from_name(name, project)
  local backend = setmetatable({ name = name }, backend_type)
  for key, value in pairs(spec) do backend[key] = value end
  local own = project and project.config.backends[name] or {}
  backend.args, backend.env, backend.account = own.args or {}, own.env or {}, name .. "/" .. (own.account or "default")
  local program = backend.argv[1]
  if not program:find("/", 1, true) then
    local seen = false
    for dir in (os.getenv "PATH" or ""):gmatch("[^:]+") do
      local info = core.fs.stat(dir .. "/" .. program)
      seen = seen or (info and info.type == "file" and info.mode & 73 ~= 0)
    end
    if not seen then
      errors.usage("ENOAGENT", ("agent '%s' needs '%s', which is not on PATH (%s)"):format(name, program,
        os.getenv "PATH" or ""))
    end
  end
  return backend
end

--- Argument list of a backend for one attempt.
function M.argv(backend)
  local argv = table.move(backend.argv, 1, #backend.argv, 1, {})
  return table.move(backend.args, 1, #backend.args, #argv + 1, argv)
end

return M
