---@meta agentlua.record

--- Looks into JSON that is not ours; never raises.
---@class agentlua.record
local record = {}

--- Text at a path of names.
---@param value any
---@return string?
function record.text(value, ...) end

---@param value any
---@return number?
function record.number(value, ...) end

---@param value any
---@return table<any, any>?
function record.object(value, ...) end

---@param value any
---@return boolean
function record.flag(value, ...) end

--- Elements of a list.
---@param value any
---@return fun(): integer?, any
function record.each(value, ...) end

---@param value any
---@return string[]
function record.strings(value, ...) end

--- `base` with `ours` on top.
---@param base any
---@param ours any
---@return any
function record.overlay(base, ours) end

return record
