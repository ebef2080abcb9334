-- agentlua.agent: backends. A backend says how an agent is started and what its output means; one
-- file per vendor in agents/, and any executable by its path. agents/README.md describes the fields.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local resource = require "agentlua.resource"

local M = {}

-- Types of event that an agent may print as JSON lines.
M.event_types = {
  session = true, text = true, thinking = true, tool_call = true, tool_result = true, usage = true,
  limit = true, auth = true, error = true, result = true, question = true,
}

--- What a record of output means when a backend does not say it itself: one of our own events, else text.
function M.decode(record, emit, _memory, line)
  if type(record) == "table" and M.event_types[record.type] then return emit(record) end
  emit { type = "text", text = line }
end

-- What the last words on stderr say: `stderr` of a backend is a list of {pattern, ending}.
local function by_stderr(backend, result)
  for _, rule in ipairs(backend.stderr or {}) do
    if (result.stderr or ""):find(rule[1]) then return rule[2] end
  end
end

--- Ending of an attempt from what was seen and the way its process ended. Structured facts win; what
--- an agent writes in prose never counts.
---@param state table what collect.lua made of the events
---@param result table {code, signal, bound, lingered, stderr} stderr: the last words of it
---@return string ending
function M.classify(backend, state, result)
  if state.cut then return state.cut end -- we have ended it, and know why
  if result.bound then return "timeout" end
  if state.question then return "needs_input" end
  if state.skip then return "refused" end
  local final = state.final
  if final and final.ok == false and final.ending then return final.ending end
  local ended_well = (result.code == 0 or result.lingered) and not (final and final.ok == false)
  if ended_well and (final or not (state.limit or state.auth or state.error)) then return "done" end
  if state.limit then return "limit" end
  if state.auth then return "auth" end
  local ending = backend.exits and backend.exits[result.code] or result.code ~= 0 and by_stderr(backend, result)
  if ending then return ending end
  if (result.signal or 0) ~= 0 then return "killed" end
  return (state.error or final) and "api_error" or "crash"
end

local backend_type = { decode = M.decode, classify = M.classify }
backend_type.__index = backend_type

-- ---- finding one ----------------------------------------------------------------------------------------

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
  local own = resource.find("agents", name .. ".lua", project and project.dir)
  if own then
    local found = errors.check_usage(load(own.text, "@" .. own.path, "t"))()
    local argv = type(found) == "table" and found.argv
    if type(argv) == "table" and type(argv[1]) == "string" then return found end
    errors.usage("ENOAGENT", ("agent '%s': %s must return { argv = { \"program\", ... } }"):format(
      name, own.path))
  end
  local ok, found = pcall(require, "agentlua.agents." .. name)
  if ok then return found end
  if not tostring(found):find("module 'agentlua.agents." .. name .. "' not found", 1, true) then error(found, 0) end
  errors.usage("ENOAGENT", ("unknown agent '%s'; say a name like claude or demo, or the path of a program (./agent.sh)")
    :format(name))
end

local function check_program(name, program)
  if program:find("/", 1, true) then return end
  local path = os.getenv "PATH" or ""
  for dir in path:gmatch "[^:]+" do
    local info = core.fs.stat(dir .. "/" .. program)
    if info and info.type == "file" and info.mode & 73 ~= 0 then return end
  end
  errors.usage("ENOAGENT", ("agent '%s' needs '%s', which is not on PATH (%s)"):format(name, program, path))
end

--- A backend by name (of a file in .agentlua/agents or of one of ours) or by the path of an executable.
--- What `backends` in config.lua says of it wins field by field; what is in its `env` is added.
--- Raises ENOAGENT when there is none, or its program is not there.
---@param project table? where the user's own are found and overridden
function M.load(name, project)
  if name == "" or not name:find("/", 1, true) and not name:find "^[%w_][%w_.-]*$" then
    errors.usage("ENOAGENT", "agent name '" .. core.text.printable(name) .. "' is not a name")
  end
  local spec = name:find("/", 1, true) and from_path(name) or from_name(name, project)
  local backend = setmetatable({ name = name, pre_args = {}, args = {}, env = {} }, backend_type)
  for key, value in pairs(spec) do backend[key] = value end
  local own = project and project.config.backends[name] or {}
  for key, value in pairs(own) do
    if key ~= "env" then backend[key] = value end
  end
  backend.env = {}
  for _, env in ipairs { spec.env or {}, own.env or {} } do
    for key, value in pairs(env) do backend.env[key] = value end
  end
  local vendor = name:find("/", 1, true) and backend.argv[1] or name -- ./agent.sh is another one elsewhere
  backend.account = vendor .. "/" .. (own.account or "default")
  check_program(name, backend.argv[1])
  return backend
end

return M
