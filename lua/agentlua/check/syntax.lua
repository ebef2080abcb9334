-- agentlua.check.syntax: a Lua 5.4 source as a tree. The source is one that load() takes.
--
-- A node is a table with `type` and `at`, the offset of its first byte. Statements: local {names, values}, set
-- {targets, values}, function {target, value}, local_function {name, value}, call {call}, return {values}, do, while,
-- repeat, if {clauses}, for {names, values}, each with `body` where it has one. Expressions: name, index {object,
-- key, key_at}, call {callee, args}, method {object, name, name_at, args}, function {params, body}, table {items},
-- string, number, true, false, nil, vararg, binary {op, left, right}, unary {op, operand}, parens {inner}.

local tokens = require "agentlua.check.tokens"

local M = {}

-- How strongly an operator holds what is on its left and on its right.
local strength = {
  ["or"] = { 1, 1 }, ["and"] = { 2, 2 }, ["<"] = { 3, 3 }, [">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 },
  ["~="] = { 3, 3 }, ["=="] = { 3, 3 }, ["|"] = { 4, 4 }, ["~"] = { 5, 5 }, ["&"] = { 6, 6 }, ["<<"] = { 7, 7 },
  [">>"] = { 7, 7 }, [".."] = { 9, 8 }, ["+"] = { 10, 10 }, ["-"] = { 10, 10 }, ["*"] = { 11, 11 }, ["/"] = { 11, 11 },
  ["//"] = { 11, 11 }, ["%"] = { 11, 11 }, ["^"] = { 14, 13 },
}
local unary_strength <const> = 12
local block_ends = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, ["end of file"] = true }
local is_unary = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }
local constants = { ["nil"] = true, ["true"] = true, ["false"] = true }

local words, i -- of the source that is read; what is next

local function peek() return words[i].kind end
local function take()
  i = i + 1
  return words[i - 1]
end
local function accept(kind)
  if words[i].kind == kind then return take() end
end

local function take_name()
  local word = take()
  return { type = "name", name = word.value, at = word.at }
end

local block, expression, primary, simple -- each calls the others

local function expressions()
  local list = { expression() }
  while accept "," do list[#list + 1] = expression() end
  return list
end

local function function_body(at, method)
  local params = {}
  if method then params[1] = { type = "name", name = "self", at = at, implicit = true } end
  take() -- (
  while not accept ")" do
    if peek() == "name" then params[#params + 1] = take_name() else take() end
  end
  local body = block()
  take() -- end
  return { type = "function", at = at, params = params, body = body }
end

local function table_constructor()
  local node = { type = "table", at = take().at, items = {} }
  while not accept "}" do
    local item = { at = words[i].at }
    if peek() == "name" and words[i + 1].kind == "=" then
      item.name = take().value
      take()
    elseif accept "[" then
      item.key = expression()
      if item.key.type == "string" then item.name = item.key.value end
      take() -- ]
      take() -- =
    end
    item.value = expression()
    node.items[#node.items + 1] = item
    if not accept "," then accept ";" end
  end
  return node
end

local function arguments()
  if peek() == "{" or peek() == "string" then return { simple() } end
  take() -- (
  if accept ")" then return {} end
  local args = expressions()
  take()
  return args
end

function primary()
  local word = take()
  local node = { type = "name", name = word.value, at = word.at }
  if word.kind == "(" then
    node = { type = "parens", at = word.at, inner = expression() }
    take()
  end
  while true do
    local kind = peek()
    if kind == "." then
      take()
      local key = take()
      node = { type = "index", at = node.at, object = node, key = key.value, key_at = key.at }
    elseif kind == "[" then
      take()
      local key = expression()
      take()
      node = {
        type = "index", at = node.at, object = node, computed = key, key_at = key.at,
        key = key.type == "string" and key.value or nil,
      }
    elseif kind == ":" then
      take()
      local name = take()
      node = { type = "method", at = node.at, object = node, name = name.value, name_at = name.at, args = arguments() }
    elseif kind == "(" or kind == "{" or kind == "string" then
      node = { type = "call", at = node.at, callee = node, args = arguments() }
    else
      return node
    end
  end
end

function simple()
  local kind, word = peek(), words[i]
  if kind == "string" or kind == "number" then
    return { type = kind, value = take().value, at = word.at }
  elseif constants[kind] then
    return { type = take().kind, at = word.at }
  elseif kind == "..." then
    return { type = "vararg", at = take().at }
  elseif kind == "{" then
    return table_constructor()
  elseif kind == "function" then
    take()
    return function_body(word.at)
  end
  return primary()
end

function expression(limit)
  local left
  if is_unary[peek()] then
    local word = take()
    left = { type = "unary", op = word.kind, at = word.at, operand = expression(unary_strength) }
  else
    left = simple()
  end
  while true do
    local op = peek()
    local holds = strength[op]
    if not holds or holds[1] <= (limit or 0) then return left end
    take()
    left = { type = "binary", op = op, at = left.at, left = left, right = expression(holds[2]) }
  end
end

local function names()
  local list = {}
  repeat
    list[#list + 1] = take_name()
    if accept "<" then -- an attribute
      take()
      take()
    end
  until not accept ","
  return list
end

local function body_to(closing)
  local body = block()
  assert(take().kind == closing)
  return body
end

local statement = {}
statement["if"] = function(at)
  local clauses = {}
  repeat
    local condition = expression()
    take() -- then
    clauses[#clauses + 1] = { condition = condition, body = block() }
    local more = take().kind
    if more == "else" then clauses[#clauses + 1] = { body = body_to "end" } end
  until more ~= "elseif"
  return { type = "if", at = at, clauses = clauses }
end
statement["while"] = function(at)
  local condition = expression()
  take() -- do
  return { type = "while", at = at, condition = condition, body = body_to "end" }
end
statement["do"] = function(at) return { type = "do", at = at, body = body_to "end" } end
statement["repeat"] = function(at)
  return { type = "repeat", at = at, body = body_to "until", condition = expression() }
end
statement["for"] = function(at)
  local list = names()
  local numeric = take().kind == "="
  local values = expressions()
  take() -- do
  return { type = "for", at = at, names = list, numeric = numeric, values = values, body = body_to "end" }
end
statement["function"] = function(at)
  local target, method = take_name(), false
  while peek() == "." or peek() == ":" do
    method = take().kind == ":"
    local key = take()
    target = { type = "index", at = target.at, object = target, key = key.value, key_at = key.at }
  end
  return { type = "function", at = at, target = target, value = function_body(at, method) }
end
statement["local"] = function(at)
  if accept "function" then
    return { type = "local_function", at = at, name = take_name(), value = function_body(at) }
  end
  local list = names()
  return { type = "local", at = at, names = list, values = accept "=" and expressions() or {} }
end
statement["return"] = function(at)
  local values = (block_ends[peek()] or peek() == ";") and {} or expressions()
  accept ";"
  return { type = "return", at = at, values = values }
end
statement["goto"] = function(at) return { type = "goto", at = at, name = take().value } end
statement["break"] = function(at) return { type = "break", at = at } end
statement["::"] = function(at)
  take()
  take()
  return { type = "label", at = at }
end

local function expression_statement(at)
  local first = primary()
  if peek() ~= "=" and peek() ~= "," then return { type = "call", at = at, call = first } end
  local targets = { first }
  while accept "," do targets[#targets + 1] = primary() end
  take() -- =
  return { type = "set", at = at, targets = targets, values = expressions() }
end

function block()
  local list = {}
  while not block_ends[peek()] do
    local word = words[i]
    if accept ";" then
      goto next
    elseif statement[word.kind] then
      take()
      list[#list + 1] = statement[word.kind](word.at)
    else
      list[#list + 1] = expression_statement(word.at)
    end
    ::next::
  end
  return list
end

--- The statements of a source that load() takes.
function M.parse(text)
  words, i = tokens.read(text), 1
  return block()
end

return M
