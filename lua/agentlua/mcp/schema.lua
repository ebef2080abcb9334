-- agentlua.mcp.schema: what the arguments of a tool may be, in the words of JSON Schema, as data; and a check that says
-- in a sentence what is wrong. Knows type, enum, minimum, maximum, minLength, items, minItems, maxItems,
-- properties, required and additionalProperties = false.

local core = require "agentlua.core"
local near = require "agentlua.nearest"

local M = {}

-- ---- making ---------------------------------------------------------------------------------------

local function of(kind)
  return function(description, more)
    local schema = { type = kind, description = description }
    for name, value in pairs(more or {}) do schema[name] = value end
    return schema
  end
end

--- Schemas of one value: text("what it is", {minLength = 1}).
M.text, M.integer, M.number, M.flag = of "string", of "integer", of "number", of "boolean"
--- Any object.
M.any_object = of "object"

--- One of these texts.
function M.one_of(choices, description)
  return { type = "string", enum = core.json.array(choices), description = description }
end

--- A list.
function M.list(items, description, more)
  local schema = of "array"(description, more)
  schema.items = items
  return schema
end

--- Texts.
function M.texts(description) return M.list({ type = "string" }, description) end

--- An object of these properties and no others, unless `open`.
function M.object(properties, required, open)
  local schema = { type = "object", properties = properties, required = required and core.json.array(required) }
  if not open then schema.additionalProperties = false end
  return schema
end

-- ---- checking -------------------------------------------------------------------------------------

local function is_list(value) return type(value) == "table" and (getmetatable(value) ~= nil or #value > 0) end

local kinds = {
  string = { function(v) return type(v) == "string" end, "text" },
  number = { function(v) return type(v) == "number" end, "a number" },
  integer = { function(v) return type(v) == "number" and math.tointeger(v) ~= nil end, "a whole number" },
  boolean = { function(v) return type(v) == "boolean" end, "true or false" },
  object = { function(v) return type(v) == "table" and not is_list(v) end, "an object" },
  array = { function(v) return is_list(v) or type(v) == "table" and next(v) == nil end, "a list" },
  null = { function(v) return v == core.json.null end, "null" },
}

local function show(value)
  if value == core.json.null then return "null" end
  if type(value) == "string" then return "'" .. core.text.printable(value:sub(1, 60)) .. "'" end
  if type(value) == "table" then return is_list(value) and "a list" or "an object" end
  return tostring(value)
end

local function nearest(name, properties)
  local best = near.key(name, properties)
  return best and ("; the nearest is '%s'"):format(best) or "; it has none"
end

-- Whether a value is of the type, or one of the types, and what it should be.
local function of_type(value, wanted)
  local words = {}
  for i, name in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    local kind = kinds[name]
    if not kind or kind[1](value) then return true end
    words[i] = kind[2]
  end
  return #words == 0, table.concat(words, " or ")
end

local check

local function check_object(value, schema, name)
  local properties = schema.properties or {}
  local function path(key) return name == "" and key or name .. "." .. key end
  for _, key in ipairs(schema.required or {}) do
    if value[key] == nil or value[key] == core.json.null then return ("argument '%s' is missing"):format(path(key)) end
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local known = properties[key]
    if not known and schema.additionalProperties == false then
      return ("unknown argument '%s'%s"):format(core.text.printable(path(key)), nearest(key, properties))
    end
    local wrong = known and value[key] ~= core.json.null and check(value[key], known, path(key))
    if wrong then return wrong end
  end
end

local function check_list(value, schema, name)
  local least, most = schema.minItems or 0, schema.maxItems or math.huge
  if #value < least or #value > most then
    return ("argument '%s' must have %s, it has %d"):format(name, most == math.huge and "at least " .. least
      or ("%d to %d elements"):format(least, most), #value)
  end
  for i, one in ipairs(schema.items and value or {}) do
    local wrong = check(one, schema.items, ("%s[%d]"):format(name, i))
    if wrong then return wrong end
  end
end

local function check_bounds(value, schema, name)
  local least, most = schema.minimum or -math.huge, schema.maximum or math.huge
  if type(value) == "number" and not (value >= least and value <= most) then
    local words = most == math.huge and "at least " .. least or least == -math.huge and "at most " .. most
      or ("from %s to %s"):format(least, most)
    return ("argument '%s' must be %s, it is %s"):format(name, words, show(value))
  end
  if type(value) == "string" and #value < (schema.minLength or 0) then
    return ("argument '%s' is empty"):format(name)
  end
end

function check(value, schema, name)
  local fits, wanted = of_type(value, schema.type)
  if not fits then return ("argument '%s' must be %s, it is %s"):format(name, wanted, show(value)) end
  local allowed = schema.enum
  for i, choice in ipairs(allowed or {}) do
    if choice == value then break end
    if i == #allowed then
      local words = {}
      for j, one in ipairs(allowed) do words[j] = tostring(one) end
      return ("argument '%s' must be one of %s, it is %s"):format(name, table.concat(words, ", "), show(value))
    end
  end
  if kinds.array[1](value) and (schema.items or schema.minItems or schema.maxItems) then
    return check_list(value, schema, name)
  end
  if type(value) == "table" and not is_list(value) then return check_object(value, schema, name) end
  return check_bounds(value, schema, name)
end

--- An object without the fields that are null.
function M.given(object)
  local out = {}
  for key, value in pairs(object) do
    if value ~= core.json.null then out[key] = value end
  end
  return out
end

--- What is wrong with the arguments of a tool, in a sentence; nil when nothing is. null is as if it were not there.
---@param args table
---@param schema table of an object
---@return string | nil
function M.check(args, schema) return check(args, schema, "") end

return M
