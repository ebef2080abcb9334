-- agentlua.check.calls: calls of functions: their arguments, and the types of what they give.

local fields = require "agentlua.check.fields"
local stubs = require "agentlua.stubs"
local types = require "agentlua.stub_types"
local walker = require "agentlua.check.walker"

local builtin = {} -- name of a global function -> function(self, node) -> types of its results, nil: as any other

function builtin.require(self, node)
  local name = node.args[1] and node.args[1].type == "string" and node.args[1].value
  if not name or not name:find "^agentlua" then return { types.any } end
  if stubs.load().classes[name] then return { { kind = "class", name = name } } end
  if name:find "^agentlua%.core" or self.has_module(name) then return { types.any } end
  local modules = {}
  for _, class in ipairs(stubs.load().list) do
    if class.name:find "^agentlua[%l_.]*$" then modules[#modules + 1] = class.name end
  end
  self:report(node.args[1].at, ("there is no module '%s'"):format(name), name, modules)
  return { types.any }
end

-- Those that give back what they get.
local function first_argument(self, node)
  local results = {}
  for i, arg in ipairs(node.args) do results[i] = self:expr(arg) end
  return results
end
builtin.assert = first_argument
function builtin.setmetatable(self, node)
  local results = first_argument(self, node)
  if results[1] then self:let_go(results[1]) end
  return { results[1] }
end

local function same_elements(self, node)
  local list = node.args[1] and self:expr(node.args[1]) or types.any
  return { { kind = "iterator", key = types.any, value = fields.element(list) or types.any } }
end
builtin.ipairs, builtin.pairs = same_elements, same_elements

function builtin.pcall(self, node)
  local results = first_argument(self, node)
  local fun = fields.fun(results[1])
  return { types.boolean, table.unpack(fun and fun.returns or {}) }
end

-- Checks the arguments of a call, from `from` on, against the parameters of a function; gives types of its results.
-- `shift`: how many parameters of a function of the script come before them.
function walker:call(fun, node, from, shift)
  local generic
  for i = from, #node.args do
    local param = fun and fun.params[i - from + 1]
    local expected = param and param.name ~= "..." and param.type or nil
    if fun and fun.node then
      local own = fun.node.params[i - from + 1 + shift]
      local type = self:expr(node.args[i], own and self.hints[own.at])
      if own and not own.implicit then self:learn(own.at, type) end
    else
      local is_generic = fun and fun.generic and expected and expected.name == fun.generic
      local type = self:expr(node.args[i], not is_generic and expected or nil)
      if is_generic then generic = type end
    end
  end
  local results = {}
  for i, type in ipairs(fun and fun.returns or {}) do
    results[i] = fun.generic and type.name == fun.generic and (generic or types.any) or type
  end
  return results
end

-- What is surely not the object of a method.
local no_object = { table = true, string = true, number = true, ["function"] = true, ["nil"] = true }

--- Types of all results of an expression.
function walker:results(node, expected)
  if node.type == "parens" then return { self:expr(node, expected) } end
  if node.type == "call" then
    local callee = node.callee
    if callee.type == "name" and builtin[callee.name] and not self:find(callee.name) then
      return builtin[callee.name](self, node)
    end
    local type, described = self.expression[callee.type](self, callee)
    if not described or not described.method then return self:call(fields.fun(type), node, 1, 0) end
    local first = node.args[1] -- p.land(p, task)
    if not first or no_object[first.type] then
      self:report(callee.key_at, ("'%s' is a method: write a colon before it"):format(callee.key))
    elseif first then
      self:expr(first)
    end
    return self:call(fields.fun(type), node, 2, 0)
  elseif node.type == "method" then
    local type, described = self:read_field(self:object(node.object), node.name, node.name_at)
    if described and described.is_function and not described.method then
      self:report(node.name_at, ("'%s' is no method: write a dot before it"):format(node.name))
    end
    return self:call((not described or described.method) and fields.fun(type) or nil, node, 1, 1)
  end
  return { self:expr(node, expected) }
end
