-- agentlua.mcp: the tools of agentlua, and those of the user, for agents: a server of the Model Context Protocol.
--
-- A tool is a table: name, description, schema = JSON Schema of its arguments (an object), run(args, context) -> text
-- or table | nil, message; phases = {analyse = true, execute = true}: where agents are offered it, everywhere when
-- left out; task = true: it takes a task_id, the agent's own task when left out, and finds the task in context.task;
-- read_only = true: it changes nothing; accepts = a schema in the place of `schema` for the check.
--
-- context: project, task, progress(done, total?, message?), which tells the client and lets a cancellation through,
-- and server.group for what is to run longer than the call, where a server calls.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local jsonrpc = require "agentlua.jsonrpc"
local operations = require "agentlua.operations"
local schema = require "agentlua.schema"

local M = {}

--- Versions of the protocol that are spoken, the newest first.
M.versions = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" }

-- The first version without batches of messages.
local no_batches <const> = "2025-06-18"

-- Tools that are told of at a time.
local page <const> = 100

-- ---- tools ----------------------------------------------------------------------------------------

local tools = { list = {}, by_name = {} }

local function refuse(name, problem) errors.usage("EINVAL", ("tool '%s' %s"):format(tostring(name), problem)) end

--- Adds a tool; one of the same name gives way to it. Raises EINVAL for what is none.
function M.tool(spec)
  if type(spec) ~= "table" then errors.usage("EINVAL", "a tool is a table: mcp.tool{name=, schema=, run=}") end
  local name, shape = spec.name, spec.schema or schema.object({}, nil, true)
  if type(name) ~= "string" or #name > 64 or not name:find "^[%w_-]+$" then
    refuse(name, "needs a name of letters, digits, _ and -, at most 64")
  end
  if type(spec.run) ~= "function" then refuse(name, "needs a function: run(args, context)") end
  if type(shape) ~= "table" or shape.type ~= "object" then
    refuse(name, "needs a schema of an object: {type = \"object\", properties = {...}, required = {...}}")
  end
  local ok, problem = pcall(core.json.dump, shape)
  if not ok then refuse(name, "has a schema that is not JSON: " .. tostring(problem)) end
  local tool = { schema = shape }
  for key, value in pairs(spec) do tool[key] = value end
  tool.description = spec.description or name
  local place = tools.by_name[name] or #tools.list + 1
  tools.list[place], tools.by_name[name] = tool, place
end

local function load_ours()
  if tools.loaded then return end
  tools.loaded = true
  local users = tools.list
  tools.list, tools.by_name = {}, {}
  for _, part in ipairs { "task", "change", "plan", "decision", "session", "dev" } do
    for _, tool in ipairs(require("agentlua.mcp." .. part)) do M.tool(tool) end
  end
  for _, tool in ipairs(users) do M.tool(tool) end
end

local function is_offered(tool, phase) return phase == "all" or not tool.phases or tool.phases[phase] == true end

--- The tools of a phase: analyse, execute or all.
function M.tools(phase)
  load_ours()
  local found = {}
  for _, tool in ipairs(tools.list) do
    if is_offered(tool, phase) then found[#found + 1] = tool end
  end
  return found
end

--- Loads a file of the user's that calls mcp.tool{...}; `mcp` is there without a require.
function M.load(path)
  local text = errors.check_usage(core.fs.read(path))
  local chunk, problem = load(text, "@" .. path, "t", setmetatable({ mcp = M }, { __index = _G, __newindex = _G }))
  if not chunk then errors.usage("ETOOLS", problem) end
  local ok, told = pcall(chunk)
  if not ok then errors.usage("ETOOLS", errors.is(told) and path .. ": " .. told.message or tostring(told)) end
end

local loaded = {}

--- Loads the files that the configuration names, each once.
function M.load_configured(project)
  local settings = project.config.mcp
  for _, path in ipairs(settings and settings.tools or {}) do
    if path:sub(1, 1) ~= "/" then path = project.root .. "/" .. path end
    if not loaded[path] then M.load(path) end
    loaded[path] = true
  end
end

-- ---- calling --------------------------------------------------------------------------------------

-- The schema of a tool as this caller sees it: with a task of its own it need not name one.
local function shape_of(tool, shape, own)
  if not tool.task then return shape end
  local full = { required = core.json.array() }
  for key, value in pairs(shape) do full[key] = value end
  full.properties = { task_id = schema.text(own and "the task; your own when left out" or "id, unique prefix or slug",
    { minLength = 1 }) }
  for key, value in pairs(shape.properties) do full.properties[key] = value end
  full.required = core.json.array(table.move(shape.required or {}, 1, #(shape.required or {}), 1, {}))
  if not own then table.insert(full.required, 1, "task_id") end
  if #full.required == 0 then full.required = nil end
  return full
end

-- Arguments without those that are null.
local function given(args)
  local out = {}
  for key, value in pairs(args) do
    if value ~= core.json.null then out[key] = value end
  end
  return out
end

-- Runs a tool whose arguments are not checked yet.
local function perform(tool, args, context)
  local own = os.getenv "AGENTLUA_TASK_ID" or context.task and context.task.id
  local wrong = schema.check(args, shape_of(tool, tool.accepts or tool.schema, own))
  if wrong then return nil, ("%s: %s"):format(tool.name, wrong), "EINVAL" end
  args = given(args)
  if tool.task then context.task = operations.task(context.project, args.task_id or own) end
  return tool.run(args, context)
end

--- Calls a tool. A failure is returned, never raised.
---@param context table? more of the context; `task`: the one that is meant when the arguments name none
---@return string | table result | nil, string message, string code
function M.call(project, name, args, context)
  load_ours()
  M.load_configured(project)
  local place = tools.by_name[name]
  if not place then return nil, ("there is no tool '%s'"):format(core.text.printable(tostring(name))), "ENOENT" end
  context = setmetatable({ project = project }, { __index = context })
  context.progress = context.progress or function() end
  local ok, result, message, code = errors.try(perform, tools.list[place], args or {}, context)
  if not ok then return nil, result.message, result.code end
  if result == nil and message then return nil, tostring(message), code or "EFAILED" end
  return result == nil and "ok" or result
end

-- ---- the server -----------------------------------------------------------------------------------

-- What the client gets for the result of a tool: text, and data where it is an object.
local function content_of(result)
  if type(result) ~= "table" then return { content = { { type = "text", text = tostring(result) } } } end
  if type(result.content) == "table" and #result.content > 0 then return result end -- in the protocol's own words
  local is_object = getmetatable(result) == nil and #result == 0
  return {
    content = { { type = "text", text = core.json.dump(result) } }, structuredContent = is_object and result or nil,
  }
end

local function failed(message) return { content = { { type = "text", text = message } }, isError = true } end

local server_type = {}
server_type.__index = server_type

local methods = {}

function methods.ping() return {} end

function methods.initialize(server, params)
  if type(params.protocolVersion) ~= "string" then
    return nil, "initialize needs \"protocolVersion\", like " .. M.versions[1], jsonrpc.invalid_params
  end
  server.version = M.versions[1]
  for _, known in ipairs(M.versions) do
    if known == params.protocolVersion then server.version = known end
  end
  return {
    protocolVersion = server.version, capabilities = { tools = { listChanged = false } },
    serverInfo = { name = "agentlua", title = "agentlua", version = core.version },
    instructions = os.getenv "AGENTLUA_TASK_ID" and "You work on one task of a queue; the tools act on it when they "
      .. "are told no other. What they change of it is judged when you end: to say that you are done, call "
      .. "task_mark_done (or task_mark_analysed) and end." or "Tasks of " .. server.project.root .. ".",
  }
end

methods["tools/list"] = function(server, params)
  local offered, first = M.tools(server.phase), 1
  if params.cursor ~= nil then
    first = type(params.cursor) == "string" and math.tointeger(tonumber(params.cursor)) or 0
    if first < 1 or first > #offered then return nil, "unknown \"cursor\"", jsonrpc.invalid_params end
  end
  local list, own = core.json.array(), os.getenv "AGENTLUA_TASK_ID"
  for i = first, math.min(first + page - 1, #offered) do
    local tool = offered[i]
    list[#list + 1] = {
      name = tool.name, description = tool.description, inputSchema = shape_of(tool, tool.schema, own),
      annotations = { readOnlyHint = tool.read_only == true, destructiveHint = false, openWorldHint = false },
    }
  end
  return { tools = list, nextCursor = first + page <= #offered and tostring(first + page) or nil }
end

-- Tells the client how far a call is, if it wants to know; and lets what it has sent meanwhile through.
local function progress_of(server, params)
  local meta = jsonrpc.is_object(params._meta) and params._meta or {}
  local token = meta.progressToken
  return function(done, total, message)
    if type(token) == "string" or type(token) == "number" then
      server.peer:notify("notifications/progress", {
        progressToken = token, progress = done, total = total, message = message,
      })
    end
    if coroutine.isyieldable() then coroutine.yield() end
  end
end

methods["tools/call"] = function(server, params)
  local name, args = params.name, params.arguments
  if type(name) ~= "string" then return nil, "tools/call needs \"name\"", jsonrpc.invalid_params end
  if args ~= nil and args ~= core.json.null and not jsonrpc.is_object(args) then
    return nil, "\"arguments\" is not an object", jsonrpc.invalid_params
  end
  local nearest, distance
  for _, tool in ipairs(M.tools(server.phase)) do
    local d = core.text.edit_distance { name:sub(1, 100), tool.name }
    if not distance or d < distance then nearest, distance = tool.name, d end
  end
  if distance ~= 0 then
    local why = tools.by_name[name] and "is not offered in phase " .. server.phase or "is not known"
    return nil, ("tool '%s' %s; the nearest is '%s'"):format(core.text.printable(name:sub(1, 100)), why,
      nearest or "none"), jsonrpc.invalid_params
  end
  local result, message = M.call(server.project, name, args ~= core.json.null and args or {}, {
    progress = progress_of(server, params), server = server,
  })
  if result == nil then return failed(core.text.printable(message)) end
  local ok, content = pcall(content_of, result)
  return ok and content or failed(("tool '%s' gave what is not JSON: %s"):format(name, tostring(content)))
end

--- Makes a server. Options: project; phase = analyse, execute or all; read() and write(text) as in jsonrpc.new().
function M.server(options)
  load_ours()
  M.load_configured(options.project)
  local server = setmetatable({
    project = options.project, phase = options.phase, version = M.versions[1],
  }, server_type)
  server.peer = jsonrpc.new {
    read = options.read, write = options.write,
    batches = function() return server.version < no_batches end,
    request = function(method, params)
      if getmetatable(params) then return nil, "\"params\" is not an object", jsonrpc.invalid_params end
      if not methods[method] then
        return nil, ("unknown method '%s'"):format(core.text.printable(method:sub(1, 100))), jsonrpc.method_not_found
      end
      return methods[method](server, params)
    end,
    notification = function(method, params)
      if method == "notifications/cancelled" then server.peer:cancel(params.requestId) end
    end,
  }
  return server
end

--- Serves to the end of the stream, in a fiber.
function server_type:run()
  local group <close> = fiber.group()
  self.group = group -- of what tools leave running
  self.peer:run()
end

return M
