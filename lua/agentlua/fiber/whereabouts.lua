-- agentlua.fiber.whereabouts: what fibers are called and where they wait, for errors and reports.

local M = {}

local library = debug.getinfo(1, "S").source:match "^(.*)fiber/whereabouts%.lua$"

-- "execute.lua:12" of the innermost function of a coroutine that is not the library's own.
local function place(co)
  for level = 0, 50 do
    local info = debug.getinfo(co, level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and info.source:sub(1, #library) ~= library then
      return info.short_src .. ":" .. info.currentline
    end
  end
end

--- "fiber execute.lua:12": by the function that it runs, or by the name that it was given.
function M.name(fiber)
  if not fiber.name then
    local info = debug.getinfo(fiber.entry, "S")
    fiber.name = ("fiber %s:%d"):format(info.short_src, info.linedefined)
  end
  return fiber.name
end

--- Text that names fibers which wait for each other for ever, at most ten of them.
function M.deadlock(fibers)
  local lines = {}
  for _, fiber in ipairs(fibers) do
    local at = place(fiber.co)
    lines[#lines + 1] = "  " .. M.name(fiber) .. (at and ", waits at " .. at or "")
  end
  table.sort(lines)
  if #lines > 10 then
    lines[11] = ("  and %d more"):format(#lines - 10)
    lines = table.move(lines, 1, 11, 1, {})
  end
  local who = #fibers == 0 and "the main program waits" or "all fibers wait"
  local list = #lines > 0 and ":\n" .. table.concat(lines, "\n") or ""
  return ("deadlock: %s and nothing can wake them%s"):format(who, list)
end

return M
