-- agentlua.record: looks into JSON that is not ours. Whatever it holds, a look gives a value of the
-- wanted kind or nil; it never raises.

local M = {}

local function at(value, ...)
  for i = 1, select("#", ...) do
    if type(value) ~= "table" then return nil end
    value = value[select(i, ...)]
  end
  return value
end

local function look(kind)
  return function(value, ...)
    value = at(value, ...)
    return type(value) == kind and value or nil
  end
end

--- Text at a path of names: text(record, "message", "id").
M.text = look "string"
--- Number at a path of names.
M.number = look "number"
--- Object or list at a path of names.
M.object = look "table"

--- True when there is a `true` at the path.
function M.flag(value, ...) return at(value, ...) == true end

--- Elements of a list at a path of names; none when there is no list.
function M.each(value, ...)
  return ipairs(M.object(value, ...) or {})
end

--- The texts in a list at a path of names.
function M.strings(value, ...)
  local found = {}
  for _, one in M.each(value, ...) do
    if type(one) == "string" then found[#found + 1] = one end
  end
  return found
end

--- `base` with `ours` on top, objects merged; neither is changed.
function M.overlay(base, ours)
  if type(base) ~= "table" or type(ours) ~= "table" or #ours > 0 then return ours end
  local out = {}
  for name, value in pairs(base) do out[name] = value end
  for name, value in pairs(ours) do out[name] = M.overlay(base[name], value) end
  return setmetatable(out, getmetatable(base))
end

return M
