---@meta

---@class agentlua.json
---@field null any JSON null
local json = {}

--- Reads JSON; nil, message, code when it is none.
---@param text string
---@param where? string what errors call it
---@return any
---@return string message
---@return string code
function json.parse(text, where) end

---@param value any
---@param indent? integer spaces; one line by default
---@return string
function json.dump(value, indent) end

--- Marks a table as array, also when it is empty.
---@generic T
---@param list? T
---@return T
function json.array(list) end
