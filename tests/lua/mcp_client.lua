-- A client of MCP servers on standard input and output, for specs.

local core = require "agentlua.core"
local process = require "agentlua.process"

local client = {}
client.__index = client

--- Starts a server; `argv` is a list with options of process.spawn().
local function start(argv)
  argv.stdin_pipe, argv.contain = true, false
  local child = assert(process.spawn(argv))
  return setmetatable({ child = child, next_line = child:lines(), last = 0, notes = {} }, client)
end

function client:send(message)
  self.child:write((type(message) == "string" and message or core.json.dump(message)) .. "\n")
end

--- The next message of the server that is no notification; those are kept in `notes`.
function client:receive()
  for line in self.next_line do
    local message = assert(core.json.parse(line))
    if message.id ~= nil or message.method == nil then return message end
    self.notes[#self.notes + 1] = message
  end
end

--- Asks and waits for the answer.
function client:ask(method, params)
  self.last = self.last + 1
  self:send { jsonrpc = "2.0", id = self.last, method = method, params = params }
  local answer = assert(self:receive(), "the server has ended")
  assert(answer.id == self.last, core.json.dump(answer))
  return answer
end

--- Begins as the protocol says; returns the server's part.
function client:begin(version)
  local answer = self:ask("initialize", {
    protocolVersion = version or "2025-06-18", capabilities = {}, clientInfo = { name = "spec", version = "1" },
  })
  self:send { jsonrpc = "2.0", method = "notifications/initialized" }
  return answer.result
end

--- Calls a tool: its text, whether it failed, the whole answer.
function client:call(name, args, meta)
  local answer = self:ask("tools/call", { name = name, arguments = args or {}, _meta = meta })
  if answer.error then return answer.error.message, true, answer end
  return answer.result.content[1].text, answer.result.isError == true, answer
end

--- Calls a tool that must not fail: its data.
function client:must(name, args)
  local text, failed, answer = self:call(name, args)
  assert(not failed, text)
  return answer.result.structuredContent
end

--- Names of the tools that are offered, with their descriptions.
function client:tools()
  local all, cursor = {}, nil
  repeat
    local page = self:ask("tools/list", { cursor = cursor }).result
    for _, tool in ipairs(page.tools) do all[tool.name] = tool end
    cursor = page.nextCursor
  until not cursor
  return all
end

--- Ends the conversation; returns the result of the process.
function client:leave()
  self.child:close_stdin()
  return self.child:wait()
end

return { start = start }
