-- agentlua.mcp.server: the Model Context Protocol, by which agents are offered tools and call them.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local jsonrpc = require "agentlua.mcp.jsonrpc"
local mcp = require "agentlua.mcp"
local nearest = require "agentlua.nearest"

local M = {}

-- Versions of the protocol that are spoken, the newest first.
local versions <const> = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" }

-- The first version without batches of messages.
local no_batches <const> = "2025-06-18"

-- Tools that are told of at a time.
local page <const> = 100

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
    return nil, "initialize needs \"protocolVersion\", like " .. versions[1], jsonrpc.invalid_params
  end
  server.version = versions[1]
  for _, known in ipairs(versions) do
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
  local offered, first = mcp.tools(server.phase), 1
  if params.cursor ~= nil then
    first = type(params.cursor) == "string" and math.tointeger(tonumber(params.cursor)) or 0
    if first < 1 or first > #offered then return nil, "unknown \"cursor\"", jsonrpc.invalid_params end
  end
  local list, own = core.json.array(), os.getenv "AGENTLUA_TASK_ID"
  for i = first, math.min(first + page - 1, #offered) do
    local tool = offered[i]
    list[#list + 1] = {
      name = tool.name, description = tool.description, inputSchema = mcp.shape(tool, own),
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
  local names = {}
  for i, tool in ipairs(mcp.tools(server.phase)) do names[i] = tool.name end
  local best, distance = nearest.find(name:sub(1, 100), names)
  if distance ~= 0 then
    local why = mcp.has(name) and "is not offered in phase " .. server.phase or "is not known"
    return nil, ("tool '%s' %s; the nearest is '%s'"):format(core.text.printable(name:sub(1, 100)), why,
      best or "none"), jsonrpc.invalid_params
  end
  local result, message = mcp.call(server.project, name, args ~= core.json.null and args or {}, {
    progress = progress_of(server, params), server = server,
  })
  if result == nil then return failed(core.text.printable(message)) end
  local ok, content = pcall(content_of, result)
  return ok and content or failed(("tool '%s' gave what is not JSON: %s"):format(name, tostring(content)))
end

--- Makes a server. Options: project; phase = analyse, execute or all; read() and write(text) as in jsonrpc.new().
function M.new(options)
  mcp.load_configured(options.project)
  local server = setmetatable({
    project = options.project, phase = options.phase, version = versions[1],
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
