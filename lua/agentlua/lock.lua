-- agentlua.lock: al.lock(path, {wait = seconds}), an exclusive lock that the kernel frees.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"

--- Takes the lock of a file (which stays). `wait`: seconds to wait for it, 0 by default.
---@return table handle with close() and fd() | nil, string message, string code  ELOCKED
return function(path, options)
  local deadline = core.time.clock() + (options and options.wait or 0)
  while true do
    local handle, message, code = core.lock.try(path)
    if handle or handle == nil then return handle, message, code end
    if core.time.clock() >= deadline then
      return nil, "'" .. path .. "' is locked by another process", "ELOCKED"
    end
    fiber.sleep(0.05)
  end
end
