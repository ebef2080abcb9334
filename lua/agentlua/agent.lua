-- agentlua.agent: backends. A backend says how an agent is started and what its output means; one
-- file per vendor in agents/, and any executable by its path. agents/README.md describes the fields.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local process = require "agentlua.process"
local record = require "agentlua.record"
local resource = require "agentlua.resource"

local M = {}

-- Types of event that an agent may print as JSON lines.
M.event_types = {
  session = true, text = true, thinking = true, tool_call = true, tool_result = true, usage = true,
  limit = true, auth = true, error = true, result = true, question = true,
}

--- What a record of output means when a backend does not say it itself: one of our own events, else text.
function M.decode(entry, emit, _memory, line)
  if type(entry) == "table" and M.event_types[entry.type] then return emit(entry) end
  emit { type = "text", text = line }
end

-- The line among the last words on stderr that a rule of the backend knows: {pattern, ending, code=}.
local function by_stderr(backend, result)
  for _, rule in ipairs(result.code ~= 0 and backend.stderr or {}) do
    local at = (result.stderr or ""):find(rule[1])
    if at then return rule[2], result.stderr:match("[^\n]*", at), rule.code end
  end
end

-- The ending by exit code or words on stderr, when no event has said why. What they tell is put into the
-- state, like an event.
local function by_process(backend, state, result)
  local ending, text, code = by_stderr(backend, result)
  local by_code = backend.exits and backend.exits[result.code]
  if not ending and not by_code then return nil end
  ending = ending or by_code
  if ending == "limit" or ending == "auth" then
    state[ending] = { type = ending, text = text or state.error and state.error.text }
  elseif text and not state.error then
    state.error = { type = "error", text = text, code = code }
  end
  return ending
end

--- Ending of an attempt from what was seen and the way its process ended. Structured facts win; what
--- an agent writes in prose never counts. A session that the program does not know any more is told by
--- state.error.code = "no_session".
---@param state table what attempt/collect.lua made of the events
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
    and (final or not backend.ends_with_result) -- some leave with 0 when they are killed
  if ended_well and (final or not (state.limit or state.auth or state.error)) then return "done" end
  if state.limit then return "limit" end
  if state.auth then return "auth" end
  local ending = by_process(backend, state, result)
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

local function find_program(program)
  if program:find("/", 1, true) then return program end
  for dir in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local info = core.fs.stat(dir .. "/" .. program)
    if info and info.type == "file" and info.mode & 73 ~= 0 then return dir .. "/" .. program end
  end
end

local function check_program(name, program)
  if find_program(program) then return end
  errors.usage("ENOAGENT", ("agent '%s' needs '%s', which is not on PATH (%s)"):format(name, program,
    os.getenv "PATH" or ""))
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
  local backend = setmetatable({ name = name, pre_args = {}, args = {} }, backend_type)
  local own = project and project.config.backends[name] or {}
  for _, fields in ipairs { spec, own, { env = record.overlay(spec.env or {}, own.env or {}) } } do
    for key, value in pairs(fields) do backend[key] = value end
  end
  local vendor = name:find("/", 1, true) and backend.argv[1] or name -- ./agent.sh is another one elsewhere
  backend.account = vendor .. "/" .. (own.account or "default")
  check_program(name, backend.argv[1])
  return backend
end

-- ---- asking one -----------------------------------------------------------------------------------------

-- Seconds that a program has for its answer: large ones take more than 10 on a busy machine.
local patience = 60

-- Answers to a question of this process: path, time of change and arguments of the program -> result.
local answers = {}

-- Runs the program of a backend with a few arguments, outside of any project, once as long as it is the same.
local function ask(backend, args, env)
  local path = find_program(backend.argv[1])
  local info, message = core.fs.stat(path or backend.argv[1])
  if not info then return nil, message end
  local key = ("%s %s %s"):format(path, info.mtime, table.concat(args, " "))
  if answers[key] then return answers[key] end
  local options = table.move(args, 1, #args, 2, { path })
  options.cwd, options.timeout, options.env = "/", patience, env
  local result, problem = process.run(options)
  if not result then return nil, problem end
  if result.bound then return nil, ("does not answer within %d s"):format(patience) end
  if result.code == 0 then answers[key] = result end -- what failed may be put right meanwhile
  return result
end

--- Version of a backend's program, as it says; nil for one that has no `version` field. Asked once.
--- Raises ENOAGENT when the program does not answer, or cannot.
function M.version(backend)
  if not backend.version then return nil end
  local result, message = ask(backend, backend.version)
  if result and result.code == 0 then return result.stdout:match "%d+%.%d[%w.+-]*" end
  errors.usage("ENOAGENT", ("agent '%s': '%s %s' %s"):format(backend.name, backend.argv[1],
    table.concat(backend.version, " "),
    core.text.printable(message or "fails: " .. (result.stderr:match "[^\n]+" or "no reason given"))))
end

--- Whether somebody is logged in: true, false, or nil when that cannot be told. Only asked where the login
--- counts: no key is handed on, and no other endpoint is used.
---@param env table? variables of the attempt on top of ours; false: not handed on
function M.logged_in(backend, env)
  if not backend.check or backend.endpoint then return nil end
  env = env or {}
  for _, key in ipairs(backend.api_keys or {}) do
    if env[key] or env[key] == nil and os.getenv(key) then return nil end
  end
  local result = ask(backend, backend.check, env)
  if not result then return nil end
  return result.code == 0
end

return M
