---@meta agentlua.errors

---@class agentlua.ErrorValue
---@field code string stable: compare it
---@field message string for people
---@field exit integer what a command ends with
---@field traceback? string

---@class agentlua.errors
local errors = {}

---@param code string
---@param message string
---@param exit? integer 1 by default
---@return agentlua.ErrorValue
function errors.new(code, message, exit) end

---@param value any
---@return boolean
function errors.is(value) end

--- Raises an error of the user's: exit code 2.
---@param code string
---@param message string
function errors.usage(code, message) end

--- Raises when the value is nil, or false with a message; else gives all values.
---@generic T
---@param value T
---@param message? string
---@param code? string
---@return T
function errors.check(value, message, code, ...) end

--- The same, as an error of the user's.
---@generic T
---@param value T
---@param message? string
---@param code? string
---@return T
function errors.check_usage(value, message, code) end

---@param value any
---@param traceback? string
---@return agentlua.ErrorValue
function errors.wrap(value, traceback) end

--- Calls a function; its failure is an error value, never raised.
---@param fn fun(...): any
---@return boolean ok
---@return any
function errors.try(fn, ...) end

--- Tells people, on stderr, of what ends nothing.
---@param text string
function errors.warn(text) end

return errors
