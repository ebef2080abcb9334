-- agentlua.check.fields: what is known of the fields of a type: of the stubs' classes, of Lua's own libraries, of the
-- tables that a script makes (kind "shape": {fields}, which may get more).

local stubs = require "agentlua.stubs"
local types = require "agentlua.stub_types"

local M = {}

-- ---- Lua's own -----------------------------------------------------------------------------------------------

local globals = {}
for name in ([[_ENV _G _VERSION arg assert collectgarbage dofile error getmetatable ipairs load loadfile next pairs
pcall print rawequal rawget rawlen rawset require select setmetatable tonumber tostring type warn
xpcall]]):gmatch "%S+" do
  globals[name] = types.any
end
for name in ("coroutine debug io math os package string table utf8"):gmatch "%S+" do
  local fields = {}
  for field in pairs(_G[name]) do fields[field] = { type = types.any } end
  globals[name] = { kind = "table", fields = fields, name = name }
end
globals.package = types.any -- it is what others put there, too
globals.mcp = { kind = "class", name = "agentlua.mcp" } -- in files of tools

--- Type of a global of Lua, nil when there is none.
function M.global(name) return globals[name] end

function M.global_names()
  local list = {}
  for name in pairs(globals) do list[#list + 1] = name end
  return list
end

-- ---- types ---------------------------------------------------------------------------------------------------

--- A type without aliases; a class that nobody describes may be anything.
function M.resolve(type)
  local seen = 0
  while type and type.kind == "class" and seen < 9 do
    local alias = stubs.load().aliases[type.name]
    if not alias then return stubs.load().classes[type.name] and type or types.any end
    type, seen = alias, seen + 1
  end
  return type or types.any
end

--- The types that a value may have, without aliases.
function M.alternatives(type)
  type = M.resolve(type)
  if type.kind ~= "union" then return { type } end
  local list = {}
  for _, one in ipairs(type.of) do
    for _, inner in ipairs(M.alternatives(one)) do list[#list + 1] = inner end
  end
  return list
end

-- What a class says of a name that it does not list: the type of its other fields; nil when it has none.
local function other_fields(class)
  while class do
    if class.key and class.key.name == "string" then return class.value end
    class = stubs.load().classes[class.parent]
  end
end

local look = {}
function look.class(type, name)
  local field = stubs.field(type.name, name)
  return field and field.type or other_fields(stubs.load().classes[type.name]), field
end
function look.table(type, name) return type.fields[name] and type.fields[name].type end
function look.shape(type, name) return type.fields[name] or types.any end
function look.map(type) return type.value end
function look.basic(type, name)
  if type.name ~= "string" then return types.any end
  return string[name] and types.any or nil
end

--- Type of a field, nil when there is no such field, any when nobody knows. Second value: the field as the stubs
--- describe it.
function M.field(type, name)
  local found, described = {}, nil
  for _, one in ipairs(M.alternatives(type)) do
    local of_one, field = (look[one.kind] or function() return types.any end)(one, name)
    found[#found + 1], described = of_one, described or field
  end
  if #found == 0 then return nil end
  return types.union(found), described
end

--- The names that a type has, and how strict it is: "exact" (no other may be put into it), "closed" (no other can be
--- read), "open" (there may be more).
---@return string[] names, "exact"|"closed"|"open" kind
function M.names(type)
  local list, kind = {}, "exact"
  for _, one in ipairs(M.alternatives(type)) do
    local here = "open"
    if one.kind == "class" then
      for _, name in ipairs(stubs.names(one.name)) do list[#list + 1] = name end
      local class = stubs.load().classes[one.name]
      here = other_fields(class) and "open" or class.exact and "exact" or "closed"
    elseif one.kind == "table" or one.kind == "shape" then
      for name in pairs(one.fields) do list[#list + 1] = name end
      here = one.kind == "table" and "closed" or "open"
    elseif one == types.string then
      for name in pairs(string) do list[#list + 1] = name end
      here = "closed"
    end
    if here == "open" or here == "closed" and kind == "exact" then kind = here end
  end
  return list, kind
end

--- The function that a type is; nil when it is none, or that is not known.
function M.fun(type)
  for _, one in ipairs(type and M.alternatives(type) or {}) do
    if one.kind == "fun" then return one end
  end
end

--- The texts that a type allows, nil when it allows all.
function M.literals(type)
  local list = {}
  for _, one in ipairs(M.alternatives(type)) do
    if one.kind == "any" or one == types.string then return nil end
    if one.kind == "literal" then list[#list + 1] = one.value end
  end
  return #list > 0 and list or nil
end

--- What a table of a type has at number keys, at key `n` if that is given; nil when that is not known.
function M.element(type, n)
  for _, one in ipairs(M.alternatives(type)) do
    if one.kind == "array" then return one.of end
    if one.kind == "map" then return one.value end
    local class = one.kind == "class" and stubs.load().classes[one.name]
    if class and class.items[n] then return class.items[n] end
    if class and class.key and class.key ~= types.string then return class.value end
  end
end

--- What a type is in words.
function M.describe(type)
  type = M.resolve(type)
  if type.kind == "class" then return type.name end
  if type.name then return type.name end
  return type.kind == "shape" and "this table" or type.kind
end

return M
