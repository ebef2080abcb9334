-- agentlua.check.statements: walks statements, and with them all that they hold.

local fields = require "agentlua.check.fields"
local near = require "agentlua.nearest"
local types = require "agentlua.stub_types"
local walker = require "agentlua.check.walker"

local statement = {}

function walker:block(list)
  for _, node in ipairs(list) do statement[node.type](self, node) end
end
function walker:body(list)
  self:open()
  self:block(list)
  self:close()
end

-- Types of as many values as there are names; `expected(i)`: what the i-th should be.
function walker:values(nodes, count, expected)
  local list = {}
  for i, node in ipairs(nodes) do
    if i == #nodes and count > i then
      for j, type in ipairs(self:results(node)) do list[i + j - 1] = type end
    else
      list[i] = self:expr(node, expected and expected(i))
    end
  end
  return list
end

statement["local"] = function(self, node)
  local list = self:values(node.values, #node.names, function(i)
    return node.names[i] and self.hints[node.names[i].at]
  end)
  for i, name in ipairs(node.names) do self:declare(name, list[i] or types["nil"]) end
end

function statement.local_function(self, node)
  local var = self:declare(node.name, types.any)
  local type = self:expr(node.value, self.hints[node.name.at])
  var.type = type
end

-- Says what a target should be given; learns what it is given.
function walker:target(node, value)
  if node.type == "name" then
    local var = self:find(node.name)
    if not var and not fields.global(node.name) then
      local slip = near.slip(node.name, self:visible())
      if slip then self:report(node.at, ("unknown name '%s'"):format(node.name), node.name, self:visible()) end
      if not slip then self.assigned[node.name] = true end
    elseif var and var.type == types["nil"] then
      var.type = value or types.any
    elseif var and value and var.type ~= value then
      var.type = types.any
    end
  elseif node.key then
    return self:write_field(self:object(node.object), node.key, node.key_at, value)
  else
    self:let_go(self:object(node.object))
    self.expression.index(self, node)
  end
end

function statement.set(self, node)
  local wanted = {}
  for i, target in ipairs(node.targets) do
    local object = target.type == "index" and target.key and self:quiet(target.object)
    wanted[i] = object and object.kind ~= "shape" and fields.field(object, target.key) or nil
  end
  local list = self:values(node.values, #node.targets, function(i) return wanted[i] end)
  for i, target in ipairs(node.targets) do self:target(target, list[i]) end
end

-- Type of an expression that is looked at once more: nothing is reported twice.
function walker:quiet(node)
  local before = self.silent
  self.silent = true
  local type = self:object(node)
  self.silent = before
  return type
end

statement["function"] = function(self, node)
  local target = node.target
  local object = target.type == "index" and self:quiet(target.object)
  local wanted = object and object.kind ~= "shape" and fields.field(object, target.key) or nil
  local type = { kind = "fun", params = {}, returns = {}, node = node.value }
  self:target(target, type)
  type.returns = self:expr(node.value, wanted).returns or {}
end

function statement.call(self, node) self:results(node.call) end

statement["return"] = function(self, node)
  local expected = self.returns.expected
  local list = self:values(node.values, #node.values, function(i) return expected[i] end)
  if not self.returns.found then self.returns.found = list end
end

statement["if"] = function(self, node)
  for _, clause in ipairs(node.clauses) do
    if clause.condition then self:expr(clause.condition) end
    self:body(clause.body)
  end
end
statement["while"] = function(self, node)
  self:expr(node.condition)
  self:body(node.body)
end
statement["repeat"] = function(self, node)
  self:open()
  self:block(node.body)
  self:expr(node.condition)
  self:close()
end
statement["do"] = function(self, node) self:body(node.body) end

statement["for"] = function(self, node)
  local list = self:values(node.values, #node.values + 1)
  local iterator, found = list[1] or types.any, {}
  if node.numeric then
    found = { types.number }
  elseif iterator.kind == "iterator" then
    found = { iterator.key, iterator.value }
  elseif fields.fun(iterator) then
    found = fields.fun(iterator).returns
  end
  self:open()
  for i, name in ipairs(node.names) do self:declare(name, found[i]) end
  self:block(node.body)
  self:close()
end
statement["goto"], statement["break"], statement.label = function() end, function() end, function() end
