-- agentlua.mcp: the tools of agentlua, and those of the user, for agents. mcp/server.lua serves them.
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
local operations = require "agentlua.task.operations"
local place = require "agentlua.place"
local schema = require "agentlua.mcp.schema"

local M = {}

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
  if type(shape.required) == "table" and #shape.required == 0 then shape.required = nil end -- it would be an object
  local tool = {}
  for key, value in pairs(spec) do tool[key] = value end
  tool.schema = shape
  tool.description = spec.description or name
  local index = tools.by_name[name] or #tools.list + 1
  tools.list[index], tools.by_name[name] = tool, index
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

--- True when there is such a tool, offered or not.
function M.has(name)
  load_ours()
  return tools.by_name[name] ~= nil
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
    path = place.absolute(path, project.root)
    if not loaded[path] then M.load(path) end
    loaded[path] = true
  end
end

-- ---- calling --------------------------------------------------------------------------------------

--- The schema of a tool as a caller sees it; with a task of its own, `own`, it need not name one.
function M.shape(tool, own, shape)
  shape = shape or tool.schema
  if not tool.task then return shape end
  local full = { required = core.json.array() }
  for key, value in pairs(shape) do full[key] = value end
  full.properties = { task_id = schema.text(own and "the task; your own when left out" or "id, unique prefix or slug",
    { minLength = 1 }) }
  for key, value in pairs(shape.properties or {}) do full.properties[key] = value end
  full.required = core.json.array(table.move(shape.required or {}, 1, #(shape.required or {}), 1, {}))
  if not own then table.insert(full.required, 1, "task_id") end
  if #full.required == 0 then full.required = nil end
  return full
end

-- Runs a tool whose arguments are not checked yet.
local function perform(tool, args, context)
  local own = os.getenv "AGENTLUA_TASK_ID" or context.task and context.task.id
  local wrong = schema.check(args, M.shape(tool, own, tool.accepts))
  if wrong then return nil, ("%s: %s"):format(tool.name, wrong), "EINVAL" end
  args = schema.given(args)
  if tool.task then context.task = operations.task(context.project, args.task_id or own) end
  return tool.run(args, context)
end

--- Calls a tool. A failure of it is returned; that of a file of tools, which the configuration names, is raised.
---@param context table? more of the context; `task`: the one that is meant when the arguments name none
---@return string | table result | nil, string message, string code
function M.call(project, name, args, context)
  load_ours()
  M.load_configured(project)
  local index = tools.by_name[name]
  if not index then return nil, ("there is no tool '%s'"):format(core.text.printable(tostring(name))), "ENOENT" end
  context = setmetatable({ project = project }, { __index = context })
  context.progress = context.progress or function() end
  local ok, result, message, code = errors.try(perform, tools.list[index], args or {}, context)
  if not ok then return nil, result.message, result.code end
  if result == nil and message then return nil, tostring(message), code or "EFAILED" end
  return result == nil and "ok" or result
end

return M
