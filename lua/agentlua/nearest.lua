-- agentlua.nearest: which known name somebody may have meant.

local core = require "agentlua.core"

local M = {}

local function letters(word)
  local list = {}
  for letter in word:gmatch "." do list[#list + 1] = letter end
  table.sort(list)
  return table.concat(list)
end

--- The name of a list that is most like `wanted`, and how many slips of the hand it is away: a letter missing, more,
--- other, or two that have changed places. nil when the list is empty.
---@param names string[]
---@return string?, integer?
function M.find(wanted, names)
  local best, distance
  for _, name in ipairs(names) do
    local d = core.text.edit_distance { wanted, name }
    if d == 2 and letters(wanted) == letters(name) then d = 1 end
    if not distance or d < distance or d == distance and name < best then best, distance = name, d end
  end
  return best, distance
end

--- The same among the keys of a table.
---@return string?, integer?
function M.key(wanted, keys)
  local names = {}
  for name in pairs(keys) do names[#names + 1] = name end
  return M.find(wanted, names)
end

--- The name that `wanted` is a slip for, not only a word that is like it.
---@return string?
function M.slip(wanted, names)
  local best, distance = M.find(wanted, names)
  return best and #best > 2 and distance <= (#best > 7 and 2 or 1) and best or nil
end

return M
