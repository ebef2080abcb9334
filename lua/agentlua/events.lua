-- agentlua.events: the event log of a project, one JSON object per line.

local core = require "agentlua.core"

local M = {}

local log_type = {}
log_type.__index = log_type

--- Opens a log for appending. `fields` are part of every event, e.g. {run = id}.
function M.open(path, fields)
  return setmetatable({ path = path, fields = fields or {} }, log_type)
end

--- Appends {time, type, ...}. A log that cannot be written never stops the work: false, message.
function log_type:append(kind, fields)
  local all = {}
  for name, value in pairs(self.fields) do all[name] = value end
  for name, value in pairs(fields or {}) do all[name] = value end
  local ok, message = core.events.append { path = self.path, type = kind, fields = all }
  return ok or false, message
end

--- Iterates over the events of a log, oldest first; lines that are no event are passed over. `offset`: where to
--- begin, in bytes; the second value of each step is where to go on after it. A log that has become shorter than
--- that is another one, and read from its beginning.
function M.read(path, offset)
  local file = io.open(path, "rb")
  if not file then return function() end end
  local at = offset and offset <= file:seek "end" and offset or 0
  file:seek("set", at)
  return function()
    for line in file:lines "L" do
      at = at + #line
      local event = core.json.parse(line)
      local fields = type(event) == "table" and event or {}
      local whole = line:sub(-1) == "\n" -- or still being written
      if whole and type(fields.type) == "string" and type(fields.time) == "string" then return event, at end
    end
    file:close()
  end
end

return M
