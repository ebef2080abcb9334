-- Faults at system calls, by strace: whether that works here, and an even choice of the points.

local process = require "agentlua.process"

local M = {}

--- Why system calls cannot be traced here, or nil.
function M.untraceable()
  local result, message = process.run { "strace", "-o", "/dev/null", "-e", "trace=none", "true", contain = false }
  if not result then return message end
  if result.code ~= 0 then return "ptrace is refused: " .. result.stderr:gsub("%s+$", "") end
end

--- 1..n in an order that is even wherever it is cut off.
function M.spread(n)
  local step = math.max(1, math.floor(n * 0.618))
  local function common(a, b) return b == 0 and a or common(b, a % b) end
  while common(step, n) ~= 1 do step = step + 1 end
  local order = {}
  for i = 0, n - 1 do order[i + 1] = i * step % n + 1 end
  return order
end

return M
