-- agentlua.check.walker: what the walk through a source knows: the names in sight, what was learned of them, what
-- fields a type has; and what it reports. expressions.lua, calls.lua and statements.lua add their methods.

local fields = require "agentlua.check.fields"
local near = require "agentlua.nearest"
local types = require "agentlua.stub_types"

local walker = {}
walker.__index = walker

-- ---- names ---------------------------------------------------------------------------------------------------

function walker:report(at, message, wanted, names)
  if self.silent then return end
  local best = wanted and near.find(wanted, names)
  self.on_finding(at, message .. (best and ("; the nearest is '%s'"):format(best) or ""), best)
end

function walker:open() self.scope = { vars = {}, parent = self.scope } end
function walker:close() self.scope = self.scope.parent end

function walker:declare(node, type)
  local hint = self.hints[node.at]
  if hint and not node.implicit then type = hint end
  local var = { type = type or types.any, at = node.at }
  self.scope.vars[node.name] = var
  return var
end

function walker:find(name)
  local scope = self.scope
  while scope do
    if scope.vars[name] then return scope.vars[name] end
    scope = scope.parent
  end
end

function walker:visible()
  local names, scope = fields.global_names(), self.scope
  while scope do
    for name in pairs(scope.vars) do names[#names + 1] = name end
    scope = scope.parent
  end
  return names
end

-- What is learned of a variable or parameter; two that differ say nothing.
function walker:learn(at, type)
  type = fields.resolve(type)
  if type.kind == "any" or type.kind == "literal" or type.kind == "shape" then return end
  if type.kind == "basic" and type ~= types.string then type = types.any end
  local before = self.learned[at]
  if before and before ~= type and before.name ~= type.name then type = types.any end
  self.learned[at] = type
end

-- What a function of the script's is called with, where it is handed on as a `wanted` one.
function walker:learn_params(node, wanted)
  for i, param in ipairs(wanted and node.params or {}) do
    local known = wanted.params[i]
    if known and known.name ~= "..." then self:learn(param.at, known.type) end
  end
end

-- ---- fields --------------------------------------------------------------------------------------------------

local function has(names, wanted)
  for _, name in ipairs(names) do
    if name == wanted then return true end
  end
  return false
end

-- Whether a table of the script's may have more fields than those that are known: somebody else has it, or the
-- field is given a value somewhere.
function walker:may_have(object, name)
  return object.kind == "shape" and (self.escaped[object.at] or self.written_names[name])
end

--- Type of a field that is read.
function walker:read_field(object, name, at)
  self.read_names[name] = true
  local type, described = fields.field(object, name)
  local names, kind = fields.names(object)
  if not type or kind == "open" and not described then
    if not has(names, name) and (not type or not self:may_have(object, name) and near.slip(name, names)) then
      self:report(at, ("%s has no field '%s'"):format(fields.describe(object), name), name, names)
    end
  end
  return type or types.any, described
end

--- Type that a field that is written should have.
function walker:write_field(object, name, at, value)
  if object.kind == "shape" then
    local known = object.fields[name]
    if not known and not self.escaped[object.at] and not self.read_names[name] then
      local names = fields.names(object)
      if near.slip(name, names) then self:report(at, ("this table has no field '%s'"):format(name), name, names) end
    end
    self.written_names[name] = true
    object.fields[name] = known and known ~= value and types.any or value or types.any
    return types.any
  end
  local type, described = fields.field(object, name)
  local names, kind = fields.names(object)
  if not described and not has(names, name) and (kind == "exact" or near.slip(name, names)) then
    self:report(at, ("%s has no field '%s'"):format(fields.describe(object), name), name, names)
  end
  return type or types.any
end

return walker
