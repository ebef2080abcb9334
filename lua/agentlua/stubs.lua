-- agentlua.stubs: what scripts may use, from the files in _meta/: modules, objects, option tables, with their
-- fields and the types of these. One source for editors (LuaLS), `agentlua check` and the reference.
--
-- A class named like a module (agentlua.process) is what require gives; one that ends in a capitalised word
-- (agentlua.Child) is a value. Marked (exact), every other field is a mistake; with an index, others are well.

local core = require "agentlua.core"
local types = require "agentlua.stub_types"

local M = {}

--- The files of _meta/, in the order of the reference.
M.topics = {
  "al", "fiber", "process", "git", "store", "limit", "events", "lock", "fs", "json", "text", "errors", "library",
  "project", "run", "task", "config", "hooks", "agent", "decode", "record", "mcp",
}

local has_embedded, embedded = pcall(require, "agentlua.embedded")

--- Text of a file of _meta/.
function M.text(topic)
  local path = package.searchpath("agentlua._meta." .. topic, package.path)
  return path and core.fs.read(path) or has_embedded and embedded.get("lua/agentlua/_meta/" .. topic .. ".lua")
    or error("the stubs of '" .. topic .. "' are not there")
end

-- ---- reading ----------------------------------------------------------------------------------------------

local read = {} -- tag -> function(state, text)

function read.class(state, rest)
  local exact, said = rest:match "^(%(exact%))%s*(.*)$"
  local name, parent = (said or rest):match "^([%w_.]+)%s*:?%s*([%w_.]*)"
  state.class = {
    name = name, exact = exact ~= nil, parent = parent ~= "" and parent or nil, fields = {}, order = {}, items = {},
    text = state.text, topic = state.topic,
  }
  state.text = {}
  state.classes[name] = state.class
  table.insert(state.list, state.class)
end

local function add_field(class, name, field)
  field.name = name
  class.fields[name] = field
  table.insert(class.order, field)
end

function read.field(state, rest)
  if rest:sub(1, 1) == "[" then
    local key, after = rest:match "^%[(.-)%]%s*(.*)$"
    if tonumber(key) then
      state.class.items[tonumber(key)] = types.read(after)
      return
    end
    state.class.key, state.class.value = types.read(key), types.read(after)
    return
  end
  local name, optional, after = rest:match "^([%w_]+)(%??)%s+(.*)$"
  local kind, said, written = types.read(after)
  add_field(state.class, name, { type = kind, optional = optional ~= "", text = said, written = written })
end

function read.alias(state, rest)
  local name, after = rest:match "^([%w_.]+)%s+(.*)$"
  state.aliases[name] = types.read(after)
end

function read.param(state, rest)
  local name, optional, after = rest:match "^([%w_.]+)(%??)%s+(.*)$"
  local kind, said, written = types.read(after)
  table.insert(state.params, {
    name = name, optional = optional ~= "" or nil, type = kind, text = said, written = written,
  })
end

read["return"] = function(state, rest)
  local kind, said, written = types.read(rest)
  table.insert(state.returns, { type = kind, text = said, written = written })
end

function read.generic(state, rest) state.generic = rest:match "%w+" end

-- `function owner.name(a, b) end`, or with a colon.
local function read_function(state, owner, sign, name, listed)
  local class, params, known = state.owners[owner], {}, {}
  for _, param in ipairs(state.params) do known[param.name] = param end
  for param in listed:gmatch "[%w_.]+" do
    params[#params + 1] = known[param] or { name = param, type = types.any, optional = true }
  end
  local returns = {}
  for i, one in ipairs(state.returns) do returns[i] = one.type end
  add_field(class, name, {
    type = { kind = "fun", params = params, returns = returns, generic = state.generic }, method = sign == ":",
    text = table.concat(state.text, " "), returns = state.returns, is_function = true,
  })
end

local function read_line(state, line)
  local tag, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if tag then
    if read[tag] then read[tag](state, rest) end
    return
  end
  local said = line:match "^%-%-%-%s?(.*)$"
  if said then
    table.insert(state.text, said)
    return
  end
  local variable = line:match "^local ([%w_]+) = {}"
  if variable then state.owners[variable] = state.class end
  local owner, sign, name, listed = line:match "^function ([%w_]+)([.:])([%w_]+)%((.-)%)"
  if owner then read_function(state, owner, sign, name, listed) end
  state.text, state.params, state.returns, state.generic = {}, {}, {}, nil
end

local loaded

--- All stubs: classes by name, each {name, exact, parent, items, key, value, fields = {name -> {name, type, optional,
--- text, method}}, order}; aliases by name; list = the classes in order.
---@return { classes: table, aliases: table, list: table }
function M.load()
  if loaded then return loaded end
  local state = { classes = {}, aliases = {}, list = {} }
  for _, topic in ipairs(M.topics) do
    state.topic, state.text, state.params, state.returns, state.owners = topic, {}, {}, {}, {}
    for line in (M.text(topic) .. "\n"):gmatch "(.-)\n" do read_line(state, line) end
  end
  loaded = { classes = state.classes, aliases = state.aliases, list = state.list }
  return loaded
end

--- A field of a class, also of what it comes from; nil when there is none.
function M.field(name, field)
  local class = M.load().classes[name]
  while class do
    if class.fields[field] then return class.fields[field], class end
    class = M.load().classes[class.parent]
  end
end

--- Names of the fields of a class, also of what it comes from.
function M.names(name)
  local found, class = {}, M.load().classes[name]
  while class do
    for _, field in ipairs(class.order) do found[#found + 1] = field.name end
    class = M.load().classes[class.parent]
  end
  return found
end

return M
