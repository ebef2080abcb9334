-- agentlua.errors: failures as values with a stable code and a sentence for people.
--
-- Library functions return nil, message, code. The building blocks that loops are written with
-- raise instead, so that a loop reads straight: errors.check() turns the first into the second.

local core = require "agentlua.core"

local M = {}

local type_ = {}
type_.__index = type_
function type_.__tostring(e)
  return e.traceback and e.message .. "\n" .. e.traceback or e.message
end

--- An error value: compare `code`, show `message`. `exit` is what a command ends with.
---@param code string
---@param message string
---@param exit integer? 1 by default
function M.new(code, message, exit)
  return setmetatable({ code = code, message = message, exit = exit or 1 }, type_)
end

function M.is(value) return getmetatable(value) == type_ end

--- Raises an error of the user's: exit code 2, shown without traceback.
function M.usage(code, message) error(M.new(code, message, 2), 0) end

--- Raises when the first value is nil or false, else returns all values.
function M.check(value, message, code, ...)
  if value == nil or (value == false and message) then error(M.new(code or "EFAILED", message), 0) end
  return value, message, code, ...
end

--- Like check(), as an error of the user's.
function M.check_usage(value, message, code)
  if value == nil then M.usage(code or "EINVAL", message) end
  return value
end

--- An error of any kind as a value of this type, with where it came from.
function M.wrap(value, traceback)
  if not M.is(value) then
    local ok, text = pcall(tostring, value)
    value = M.new("ESCRIPT", type(value) == "string" and value
      or "script raised a " .. type(value) .. " value: " .. (ok and text or "?"))
  end
  value.traceback = (value.traceback and value.traceback .. "\n" or "") .. (traceback or "")
  return value
end

--- Calls a function of the user's. Its failure is returned as error value, never raised.
function M.try(fn, ...)
  return xpcall(fn, function(e) return M.wrap(e, debug.traceback(nil, 2)) end, ...)
end

--- Tells people, on stderr, of what ends nothing. Whatever the text holds can do nothing to a terminal.
function M.warn(text) io.stderr:write("agentlua: ", core.text.printable(text), "\n") end

return M
