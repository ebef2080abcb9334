-- agentlua.work.branch: names of branches: made from the pattern in config.lua, and told from other people's.

local core = require "agentlua.core"
local fields = require "agentlua.fields"

local M = {}

--- Fills {id8}, {slug}, {id} and {name} of a pattern in. Others stay as they are.
function M.expand(pattern, task)
  local values = {
    id = task.id, id8 = fields.id8(task), slug = core.text.slug(task.name), name = task.name,
  }
  return (pattern:gsub("{(%w+)}", values))
end

--- Why a text is no name for a branch of ours, or nil. Stricter than git: such a name is safe in every tool.
---@return string? reason
function M.problem(name)
  if type(name) ~= "string" or name == "" then return "it is empty" end
  if name:find "[^%w._/-]" then return "it may have letters, digits, '.', '_', '-' and '/'" end
  if #name > 200 then return "it is longer than 200 bytes" end
  if name:find "^-" then return "it begins with '-'" end
  if name == "HEAD" or name:find "^refs/" then return "git means something else by it" end
  for part in (name .. "/"):gmatch "(.-)/" do
    if part == "" or part:find "^%." or part:find "%.$" or part:find("..", 1, true) or part:find "%.lock$" then
      return "git refuses the part '" .. part .. "' of it"
    end
  end
end

-- A task like any other, to see what a pattern makes of it.
local sample = { id = "0123abcd-0000-4000-8000-000000000000", id8 = "0123abcd", name = "a name" }

--- Why a pattern makes no names for branches, or nil, with the name that it makes for some task.
---@return string? reason, string? name
function M.pattern_problem(pattern)
  for name in pattern:gmatch "{(.-)}" do
    if name ~= "id8" and name ~= "id" and name ~= "slug" then
      return "{" .. name .. "} is not one of {id8}, {id} and {slug}"
    end
  end
  local name = M.expand(pattern, sample)
  return M.problem(name), name
end

--- True when `name` can only be a branch that the pattern gave to this task: one that tells tasks
--- apart by their ids.
function M.belongs(pattern, task, name)
  local first = M.expand(pattern, task)
  if not pattern:find "{id8?}" or name:sub(1, #first) ~= first then return false end
  local rest = name:sub(#first + 1):gsub("^%-analysis", "")
  return rest == "" or rest:find "^%-%d+$" ~= nil
end

return M
