---@meta

---@class (exact) agentlua.LockOptions
---@field wait? number seconds; 0 by default

--- A lock that is held until it is closed.
---@class agentlua.Lock
local lock = {}

function lock:close() end

--- Its descriptor, for `hold` of a process.
---@return integer
function lock:fd() end
