-- agentlua.check.expressions: what an expression is, and whether it is what is expected in its place.

local fields = require "agentlua.check.fields"
local resource = require "agentlua.resource"
local types = require "agentlua.stub_types"
local walker = require "agentlua.check.walker"

-- ---- what is expected ----------------------------------------------------------------------------------------

-- Texts that name a file: what it is, and whether it is there. Values: function(name, dir, has_module).
local files = {
  ["agentlua.PromptName"] = { "prompt", function(name, dir)
    return resource.find("prompts", name:match "%.md$" and name or name .. ".md", dir)
  end },
  ["agentlua.AgentName"] = { "agent", function(name, dir, has_module)
    return name:find("/", 1, true) or has_module("agentlua.agents." .. name)
      or resource.find("agents", name .. ".lua", dir)
  end },
}

-- Whether a text names a file that is there, when it is to name one.
function walker:check_file(name, at, expected)
  local kind = expected.kind == "class" and files[expected.name]
  if not kind or kind[2](name, self.dir, self.has_module) then return end
  self:report(at, ("there is no %s '%s'"):format(kind[1], name), name, self.files_of(kind[1]))
end

function walker:check_text(node, expected)
  local allowed = fields.literals(expected)
  self:check_file(node.value, node.at, expected)
  for _, value in ipairs(allowed or {}) do
    if value == node.value then return end
  end
  if allowed then
    self:report(node.at, ("'%s' is not one of %s"):format(node.value, table.concat(allowed, ", ")), node.value, allowed)
  end
end

-- The alternative of an expected type that a table constructor is meant to be.
local function meant(expected, node)
  local named = false
  for _, item in ipairs(node.items) do named = named or item.name ~= nil end
  local best
  for _, one in ipairs(fields.alternatives(expected)) do
    local list = one.kind == "array"
    local other = one.kind == "class" or one.kind == "table" or one.kind == "map"
    if named and other or not named and list then return one end
    if list or other then best = best or one end
  end
  return best
end

-- ---- expressions ---------------------------------------------------------------------------------------------

local expression = {}

--- Type of an expression whose fields are looked at.
function walker:object(node) return (expression[node.type](self, node)) end

-- Somebody else gets the table: nobody knows which fields it has.
function walker:let_go(type)
  if type.kind ~= "shape" or self.gone[type] then return end
  self.escaped[type.at], self.gone[type] = true, true
  for _, inner in pairs(type.fields) do self:let_go(inner) end
end

--- Type of an expression; `expected`: what it should be, if that is known.
function walker:expr(node, expected)
  local type = expression[node.type](self, node, expected)
  if node.type == "name" or node.type == "index" then self:let_go(type) end
  if expected and type.node then self:learn_params(type.node, fields.fun(expected)) end
  if expected and node.type == "name" then
    local var = self:find(node.name)
    if var and (type.kind == "shape" or type == types["nil"]) then self:learn(var.at, expected) end
  end
  return type
end

function expression.string(self, node, expected)
  if expected then self:check_text(node, expected) end
  return types.string
end
function expression.number() return types.number end
expression["true"] = function() return types.boolean end
expression["false"] = expression["true"]
expression["nil"] = function() return types["nil"] end
function expression.vararg() return types.any end
function expression.parens(self, node, expected) return self:expr(node.inner, expected) end

function expression.unary(self, node)
  self:expr(node.operand)
  return node.op == "not" and types.boolean or types.number
end

local makes_boolean = { ["=="] = true, ["~="] = true, ["<"] = true, [">"] = true, ["<="] = true, [">="] = true }

function expression.binary(self, node, expected)
  local either = node.op == "or" or node.op == "and"
  local left = self:expr(node.left, node.op == "or" and expected or nil)
  if makes_boolean[node.op] and node.right.type == "string" then
    self:check_text(node.right, left)
    return types.boolean
  end
  local right = self:expr(node.right, either and expected or nil)
  if node.op == "and" then return right end
  if node.op == "or" then return left == types.boolean and right or types.union { left, right } end
  if makes_boolean[node.op] then return types.boolean end
  return node.op == ".." and types.string or types.number
end

function expression.name(self, node)
  local var = self:find(node.name)
  if var then return var.type end
  local global = not self.no_globals and fields.global(node.name)
  if not global and not self.assigned[node.name] then
    local names = self.no_globals and {} or self:visible()
    self:report(node.at, self.no_globals and ("'%s': config.lua is data, it can use nothing"):format(node.name)
      or ("unknown name '%s'"):format(node.name), node.name, names)
  end
  return global or types.any
end

function expression.index(self, node)
  local object = self:object(node.object)
  if node.computed and not node.key then
    self:expr(node.computed)
    self:let_go(object) -- any of its fields may be meant
    return fields.element(object) or types.any
  end
  local type, described = self:read_field(object, node.key, node.key_at)
  return type, described
end

function expression.table(self, node, expected)
  local target = expected and meant(expected, node)
  local shape = { kind = "shape", fields = {}, at = node.at }
  local position = 0
  for _, item in ipairs(node.items) do
    local wanted
    if not item.name and not item.key then position = position + 1 end
    if target and item.name then
      if target.kind == "map" then self:check_file(item.name, item.at, target.key) end
      wanted = self:write_field(target, item.name, item.at)
    elseif target then
      wanted = fields.element(target, position)
    end
    if item.key and not item.name then self:expr(item.key) end
    local type = self:expr(item.value, wanted)
    if item.name then shape.fields[item.name] = type end
  end
  return target or shape
end

expression["function"] = function(self, node, expected)
  local wanted, outer = fields.fun(expected), self.returns
  self.returns = { expected = wanted and wanted.returns or {}, found = nil }
  self:open()
  local shift = node.params[1] and node.params[1].implicit and 1 or 0
  for i, param in ipairs(node.params) do
    local known = wanted and wanted.params[i - shift]
    self:declare(param, known and known.name ~= "..." and known.type or types.any)
  end
  self:block(node.body)
  self:close()
  local found = self.returns.found
  self.returns = outer
  return wanted or { kind = "fun", params = {}, returns = found or {}, node = node }
end

function expression.call(self, node) return self:results(node)[1] or types.any end
expression.method = expression.call

walker.expression = expression
