-- agentlua.prompt: Markdown templates.
--
--   {{NAME}}                  the text of a name, as it is
--   {{#NAME}} ... {{/NAME}}   kept when the text is not empty; {{^NAME}} ... {{/NAME}} when it is
--   {{> name}}                another prompt, name.md, in this place
--   \{{NAME}}                 the braces themselves: what follows the backslash is no tag
--
-- A name that nobody knows is an error, also in a section that is dropped. What is inserted is never
-- looked at again. The line break behind the mark of a section goes with it when it is alone in its line.

local errors = require "agentlua.errors"
local near = require "agentlua.nearest"

local M = {}

-- Prompts that may be inside of each other.
local deepest <const> = 16

-- Raises a mistake at byte `at` of a file.
local function fail(file, at, problem, ...)
  local _, breaks = file.text:sub(1, at - 1):gsub("\n", "")
  errors.usage("EPROMPT", ("%s:%d: %s"):format(file.path, breaks + 1, problem:format(...)))
end

local function nearest(name, vars)
  local best = near.key(name, vars)
  return best and "; the nearest is {{" .. best .. "}}" or ""
end

local function value_of(state, file, at, name)
  local value = state.vars[name]
  if value == nil then fail(file, at, "unknown name {{%s}}%s", name, nearest(name, state.vars)) end
  if type(value) == "table" or type(value) == "function" then
    fail(file, at, "{{%s}} is a %s, not text", name, type(value))
  end
  return value
end

local function is_empty(value) return value == "" or value == false end

-- The tag whose braces are at `at`: its sign, its name, the first byte behind it. nil: only braces.
local function tag_at(text, at)
  local sign, name, behind = text:match("^{{([#^/]?)([%w_]+)}}()", at)
  if not name then
    sign, name, behind = ">", text:match("^{{>%s*([%w_.-]+)%s*}}()", at)
  elseif sign ~= "" and text:sub(behind, behind) == "\n" and (at == 1 or text:sub(at - 1, at - 1) == "\n") then
    behind = behind + 1
  end
  return sign, name, behind
end

local expand

local function include(state, file, at, name, keep)
  local found = state.find and state.find(name)
  if not found then fail(file, at, "no prompt '%s' for {{> %s}}; agentlua paths shows where they are", name, name) end
  for _, outer in ipairs(state.trail) do
    if outer == found.path then
      fail(file, at, "prompts include each other: %s -> %s", table.concat(state.trail, " -> "), found.path)
    end
  end
  if #state.trail >= deepest then fail(file, at, "prompts include each other more than %d deep", deepest) end
  local out = state.out
  state.out = {}
  expand(state, found, keep)
  out[#out + 1] = table.concat(state.out):gsub("\n+$", "") -- blank lines are the business of the outer one
  state.out = out
end

-- One tag. `open`: the sections that it is in, innermost last, each with whether it is kept.
local function take(state, file, at, sign, name, open)
  local keep = open[#open].keep
  if sign == ">" then
    include(state, file, at, name, keep)
  elseif sign == "/" then
    if open[#open].name ~= name then fail(file, at, "{{/%s}} is only one end of a section", name) end
    open[#open] = nil
  else
    local value = value_of(state, file, at, name)
    if sign ~= "" then
      open[#open + 1] = { name = name, mark = sign .. name, at = at, keep = keep and is_empty(value) == (sign == "^") }
    elseif keep then
      state.out[#state.out + 1] = tostring(value == "" and state.defaults[name] or value)
    end
  end
end

-- Appends what a file says. keep = false: in a section that is dropped; only mistakes count.
function expand(state, file, keep)
  local text, from, at = file.text, 1, 1
  local open = { { keep = keep } }
  local function plain(last)
    if open[#open].keep then state.out[#state.out + 1] = text:sub(from, last) end
  end
  state.trail[#state.trail + 1] = file.path
  while true do
    at = text:find("{{", at, true)
    if not at then break end
    local sign, name, behind = tag_at(text, at)
    if not name then
      at = at + 1
    elseif text:sub(at - 1, at - 1) == "\\" then
      plain(at - 2)
      from, at = at, at + 2
    else
      plain(at - 1)
      take(state, file, at, sign, name, open)
      from, at = behind, behind
    end
  end
  plain()
  if #open > 1 then fail(file, open[#open].at, "{{%s}} is only one end of a section", open[#open].mark) end
  state.trail[#state.trail] = nil
end

--- Renders a template.
---@param vars table<string, string|number|boolean>
---@param where string? what errors call the template
---@param opts? { defaults: table<string, string>?, find: (fun(name: string): {path: string, text: string}?)? }
--- defaults: said in the place of what is empty; find: the prompts for {{> name}}
function M.render(template, vars, where, opts)
  opts = opts or {}
  local state = { vars = vars, defaults = opts.defaults or {}, find = opts.find, out = {}, trail = {} }
  expand(state, { path = where or "prompt", text = template }, true)
  return table.concat(state.out)
end

return M
