---@meta agentlua.events

---@class agentlua.events
local events = {}

--- Opens a log for appending; `fields` are part of every event.
---@param path string
---@param fields? table<string, any>
---@return agentlua.EventLog
function events.open(path, fields) end

--- Iterates over the events of a log, oldest first.
---@param path string
---@return fun(): agentlua.LogEntry?
function events.read(path) end

---@class agentlua.LogEntry
---@field [string] any
---@field time string
---@field type string
---@field run? string
---@field task? string
---@field attempt? integer

---@class agentlua.EventLog
---@field path string
---@field fields table<string, any>
local log = {}

--- Appends an event. A log that cannot be written stops nothing: false, message.
---@param kind string
---@param fields? table<string, any>
---@return boolean
---@return string message
function log:append(kind, fields) end

return events
