-- agentlua.mcp.jsonrpc: JSON-RPC 2.0 over a stream, one message a line. Requests are answered in fibers of their own,
-- so that one can be cancelled and others go on. Whatever comes is answered or passed over; nothing ends it but the
-- end of the stream.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"

local M = {}

-- The codes of the specification.
M.parse_error, M.invalid_request, M.method_not_found = -32700, -32600, -32601
M.invalid_params, M.internal_error = -32602, -32603

-- Bytes of the longest line that is read.
local most_bytes <const> = 8 << 20

-- Seconds that requests have to end when the stream has.
local patience <const> = 10

local peer_type = {}
peer_type.__index = peer_type

--- Makes a peer. Options: read() -> bytes, nil at the end, waits; write(text); request(method, params) -> result | nil,
--- message, code of JSON-RPC; notification(method, params); batches() -> whether lists of messages are taken.
function M.new(options)
  return setmetatable({ options = options, calls = {}, chunk = "", parts = {}, bytes = 0 }, peer_type)
end

--- An object, in what was read; not a list.
function M.is_object(value) return type(value) == "table" and getmetatable(value) == nil end
local function is_list(value) return type(value) == "table" and getmetatable(value) ~= nil end
local function is_id(value) return type(value) == "string" or type(value) == "number" end
local function key_of(id) return type(id) .. " " .. tostring(id) end

-- ---- reading and writing --------------------------------------------------------------------------

-- The next line, false for one that is too long, nil at the end.
function peer_type:next_line()
  while true do
    local at = self.chunk:find("\n", 1, true)
    local piece = self.chunk:sub(1, (at or 0) - 1)
    self.chunk, self.bytes = at and self.chunk:sub(at + 1) or "", self.bytes + #piece
    if self.bytes > most_bytes then self.parts = {} else self.parts[#self.parts + 1] = piece end
    local chunk = not at and self.options.read() or nil
    if at or not chunk and self.bytes > 0 then
      local line = self.bytes <= most_bytes and table.concat(self.parts)
      self.parts, self.bytes = {}, 0
      return line
    end
    if not chunk then return nil end
    self.chunk = chunk
  end
end

local function failure(id, code, message)
  return { jsonrpc = "2.0", id = id == nil and core.json.null or id, error = { code = code, message = message } }
end

function peer_type:send(message)
  local ok, text = pcall(core.json.dump, message)
  if not ok then text = core.json.dump(failure(message.id, M.internal_error, "the result: " .. tostring(text))) end
  self.options.write(text .. "\n")
end

--- Tells the other side something.
function peer_type:notify(method, params) self:send { jsonrpc = "2.0", method = method, params = params } end

-- ---- messages -------------------------------------------------------------------------------------

-- What is wrong with a message, or nil.
local function problem(message)
  if not M.is_object(message) then return "a message is an object" end
  if message.jsonrpc ~= "2.0" then return "\"jsonrpc\" is not \"2.0\"" end
  if type(message.method) ~= "string" then return "\"method\" is not text" end
  if message.id ~= nil and not is_id(message.id) then return "\"id\" is neither text nor a number" end
  if message.params ~= nil and type(message.params) ~= "table" then return "\"params\" is not an object" end
end

-- Answers a request; nil when it was cancelled.
function peer_type:answer(message)
  local id, key = message.id, key_of(message.id)
  if self.calls[key] then return failure(id, M.invalid_request, "\"id\" is in use") end
  self.calls[key] = fiber.current()
  local guard <close> = setmetatable({}, { __close = function() self.calls[key] = nil end })
  local ok, result, told, code = errors.try(self.options.request, message.method, message.params or {})
  if not ok then
    errors.warn(tostring(result))
    return failure(id, M.internal_error, "internal error: " .. result.message)
  end
  if result == nil then return failure(id, code, told) end
  return { jsonrpc = "2.0", id = id, result = result }
end

-- Takes a message; returns the answer to what is no request, and what begins to answer a request.
function peer_type:take(message)
  if M.is_object(message) and message.method == nil and (message.result ~= nil or message.error ~= nil) then
    return nil -- an answer, and nothing was asked
  end
  local wrong = problem(message)
  if wrong then
    local id = M.is_object(message) and is_id(message.id) and message.id or nil
    return failure(id, M.invalid_request, "invalid request: " .. wrong)
  end
  if message.id ~= nil then return nil, function() return self:answer(message) end end
  local ok, told = errors.try(self.options.notification, message.method, message.params or {})
  if not ok then errors.warn(tostring(told)) end
end

-- Answers a list of messages with a list, when all of them are through.
function peer_type:take_batch(group, list)
  if #list == 0 then return self:send(failure(nil, M.invalid_request, "invalid request: an empty list")) end
  if not self.options.batches() then
    return self:send(failure(nil, M.invalid_request, "invalid request: this version of the protocol has no batches"))
  end
  local answers, left = core.json.array(), 1
  local function through(answer)
    left, answers[#answers + 1] = left - 1, answer
    if left == 0 and #answers > 0 then self:send(answers) end
  end
  for _, message in ipairs(list) do
    local answer, request = self:take(message)
    answers[#answers + 1] = answer
    if request then
      left = left + 1
      group:spawn(function()
        local answered
        local guard <close> = setmetatable({}, { __close = function() through(answered) end }) -- also when cancelled
        answered = request()
      end)
    end
  end
  through()
end

--- Cancels a request that is being answered; it gets no answer. One that is over, or never was, is well.
function peer_type:cancel(id)
  local call = is_id(id) and self.calls[key_of(id)]
  if call then fiber.cancel(call) end
end

--- Reads and answers to the end of the stream, in a fiber.
function peer_type:run()
  local group <close> = fiber.group()
  for line in function() return self:next_line() end do
    local message, told
    if line then message, told = core.json.parse(line) else told = "a message has at most 8 MiB" end
    if line and not line:find "%S" then
      coroutine.yield() -- an empty line is well
    elseif told then
      self:send(failure(nil, M.parse_error, "parse error: " .. told))
    elseif is_list(message) then
      self:take_batch(group, message)
    else
      local answer, request = self:take(message)
      if answer then self:send(answer) end
      if request then
        group:spawn(function()
          local answered = request()
          if answered then self:send(answered) end
        end)
        coroutine.yield() -- it goes first: who sends many must not fill the memory
      end
    end
  end
  fiber.timeout(patience, group.wait, group)
end

return M
