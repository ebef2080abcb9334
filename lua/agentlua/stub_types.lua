-- agentlua.stub_types: types as the stubs in _meta/ write them (LuaCATS), as values.
--
-- A type is a table with `kind`: "any", "basic" {name}, "class" {name}, "literal" {value}, "array" {of}, "map" {key,
-- value}, "table" {fields}, "fun" {params, returns}, "union" {of}. A field is {type, optional}, a param {name, type,
-- optional}.

local M = {}

M.any = { kind = "any" }
for _, name in ipairs { "string", "number", "boolean", "nil", "table", "function" } do
  M[name] = { kind = "basic", name = name }
end
local basics = {
  any = M.any, unknown = M.any, userdata = M.any, thread = M.any, string = M.string, number = M.number,
  integer = M.number, boolean = M.boolean, table = M.table, ["function"] = M["function"], ["nil"] = M["nil"],
  ["true"] = M.boolean, ["false"] = M.boolean,
}

--- One of several types; nil and doubles go. What may be anything is any.
function M.union(list)
  local of, seen = {}, {}
  local function add(one)
    if one.kind == "union" then
      for _, inner in ipairs(one.of) do add(inner) end
    elseif one ~= M["nil"] and not seen[one] then
      of[#of + 1], seen[one] = one, true
    end
  end
  for _, one in ipairs(list) do add(one) end
  for _, one in ipairs(of) do
    if one.kind == "any" then return M.any end
  end
  return #of == 1 and of[1] or #of == 0 and M["nil"] or { kind = "union", of = of }
end

local text, at -- that is read, and where

local function skip() at = text:match("^%s*()", at) end
local function accept(sign)
  skip()
  if text:sub(at, at + #sign - 1) ~= sign then return false end
  at = at + #sign
  return true
end
local function word(pattern)
  skip()
  local found, stop = text:match("^(" .. pattern .. ")()", at)
  if found then at = stop end
  return found
end

local whole

local function returns()
  local list = {}
  if accept ":" then
    repeat list[#list + 1] = whole() until not accept ","
  end
  return list
end

local function fun()
  local params = {}
  accept "("
  while not accept ")" do
    local name = word "[%w_.]+"
    local optional = accept "?"
    params[#params + 1] = { name = name, optional = optional, type = accept ":" and whole() or M.any }
    accept ","
  end
  return { kind = "fun", params = params, returns = returns() }
end

local function fields()
  local named, key, value = {}, nil, nil
  while not accept "}" do
    if accept "[" then
      key = whole()
      accept "]"
      accept ":"
      value = whole()
    else
      local name = word "[%w_]+"
      local optional = accept "?"
      accept ":"
      named[name] = { type = whole(), optional = optional }
    end
    accept ","
  end
  if value then return { kind = "map", key = key, value = value } end
  return { kind = "table", fields = named }
end

local function single()
  if accept "(" then
    local inner = whole()
    accept ")"
    return inner
  end
  if accept "{" then return fields() end
  local quoted = word '"[^"]*"'
  if quoted then return { kind = "literal", value = quoted:sub(2, -2) } end
  local name = word "[%w_.]+" or error("no type at '" .. text:sub(at) .. "' of '" .. text .. "'")
  if name == "fun" then return fun() end
  if name == "table" and accept "<" then
    local key = whole()
    accept ","
    local value = whole()
    accept ">"
    return { kind = "map", key = key, value = value }
  end
  return basics[name] or { kind = "class", name = name }
end

function whole()
  local list = {}
  repeat
    local one = single()
    while true do
      if text:sub(at, at + 1) == "[]" then
        at, one = at + 2, { kind = "array", of = one }
      elseif text:sub(at, at) == "?" then
        at = at + 1
      else
        break
      end
    end
    list[#list + 1] = one
  until not accept "|"
  return M.union(list)
end

--- Reads the type that a text begins with; returns it and what follows. Raises when there is none.
function M.read(from)
  text, at = from, 1
  local found = whole()
  return found, text:sub(at):match "^%s*(.-)%s*$", from:sub(1, at - 1)
end

return M
