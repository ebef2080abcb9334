-- agentlua.check.tokens: the words of a Lua 5.4 source, with their places. The source is one that load() takes: what
-- is no Lua is not looked for.

local M = {}

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
until while]]):gmatch "%a+" do keywords[word] = true end

-- Behind spaces and comments.
local function skip(text, at)
  while true do
    at = text:match("^%s*()", at)
    if text:sub(at, at + 1) ~= "--" then return at end
    local level = text:match("^%-%-%[(=*)%[", at)
    at = level and text:match("%]" .. level .. "%]()", at) or text:match("^[^\n]*()", at)
  end
end

local function quoted(text, at)
  local quote, i = text:sub(at, at), at + 1
  while text:sub(i, i) ~= quote do i = i + (text:sub(i, i) == "\\" and 2 or 1) end
  return "string", load("return " .. text:sub(at, i))(), i + 1
end

-- Kind, value and end of the word at `at`.
local function word_at(text, at)
  local name, behind = text:match("^([%a_][%w_]*)()", at)
  if name then return keywords[name] and name or "name", name, behind end
  if text:find("^%.?%d", at) then
    local digits = text:match("^0[xX][%x.]*[pP]?[+-]?%x*()", at) or text:match("^[%d.]+[eE][+-]?%d+()", at)
      or text:match("^[%d.]+()", at)
    return "number", tonumber(text:sub(at, digits - 1)) or 0, digits
  end
  if text:find("^[\"']", at) then return quoted(text, at) end
  local level = text:match("^%[(=*)%[", at)
  if level then
    local from = text:match("^%[=*%[\n?()", at)
    local last, stop = text:match("()%]" .. level .. "%]()", from)
    return "string", text:sub(from, last - 1), stop
  end
  for _, sign in ipairs { "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".." } do
    if text:sub(at, at + #sign - 1) == sign then return sign, sign, at + #sign end
  end
  return text:sub(at, at), text:sub(at, at), at + 1
end

--- The words of a source, {kind, value, at}: kind is "name", "number", "string", a keyword or a sign; the last one
--- is "end of file". `at` is the offset of the first byte.
---@return { kind: string, value: any, at: integer, stop: integer }[]
function M.read(text)
  local words, at = {}, skip(text, text:match "^#[^\n]*()" or 1)
  while at <= #text do
    local kind, value, stop = word_at(text, at)
    words[#words + 1] = { kind = kind, value = value, at = at, stop = stop }
    at = skip(text, stop)
  end
  words[#words + 1] = { kind = "end of file", at = #text + 1, stop = #text + 1 }
  return words
end

--- A function that tells line and column of an offset.
function M.places(text)
  local starts = { 1 }
  for at in text:gmatch "\n()" do starts[#starts + 1] = at end
  return function(at)
    local low, high = 1, #starts
    while low < high do
      local middle = (low + high + 1) // 2
      if starts[middle] <= at then low = middle else high = middle - 1 end
    end
    return low, at - starts[low] + 1
  end
end

return M
