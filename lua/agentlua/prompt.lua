-- agentlua.prompt: Markdown templates. {{NAME}} inserts text as it is, {{#NAME}}...{{/NAME}} is a
-- section that is kept when NAME is not empty. A name that nobody knows is an error.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local function value_of(name, vars, where)
  local value = vars[name]
  if value == nil then
    local best, distance
    for known in pairs(vars) do
      local d = core.text.edit_distance { name, known }
      if not distance or d < distance then best, distance = known, d end
    end
    errors.usage("EPROMPT", ("%s: unknown name {{%s}}%s"):format(where, name,
      best and "; the nearest is {{" .. best .. "}}" or ""))
  end
  return value
end

--- Renders a template in one pass: what is inserted is never looked at again.
---@param template string
---@param vars table<string, string|number|boolean>
---@param where string? what errors call the template
function M.render(template, vars, where)
  where = where or "prompt"
  local function sections(text)
    return (text:gsub("{{#([%w_]+)}}\n?(.-){{/%1}}\n?", function(name, body)
      local value = value_of(name, vars, where)
      if value == "" or value == false then return "" end
      return sections(body)
    end))
  end
  local text = sections(template)
  local stray = text:match "{{[#/][%w_]+}}"
  if stray then errors.usage("EPROMPT", where .. ": " .. stray .. " is only one end of a section") end
  return (text:gsub("{{([%w_]+)}}", function(name)
    return tostring(value_of(name, vars, where))
  end))
end

local function bullets(list)
  if type(list) ~= "table" then return type(list) == "string" and list or "" end
  local lines = {}
  for i, item in ipairs(list) do lines[i] = "- " .. tostring(item) end
  return table.concat(lines, "\n")
end

local function questions(list)
  local lines = {}
  for _, q in ipairs(type(list) == "table" and list or {}) do
    if type(q) == "table" then
      local context = q.context and "\n  " .. tostring(q.context):gsub("\n", "\n  ") or ""
      lines[#lines + 1] = "- Q: " .. tostring(q.question) .. context .. "\n  A: " .. tostring(q.answer)
    end
  end
  return table.concat(lines, "\n")
end

--- What a template may name for a task.
function M.task_vars(task, extra)
  local function text(name)
    local value = task[name]
    return (type(value) == "string" or type(value) == "number") and tostring(value) or ""
  end
  local vars = {
    TASK_ID = task.id, TASK_NAME = text "name", TASK_DESCRIPTION = text "description",
    TASK_CATEGORY = text "category", TASK_PRIORITY = text "priority", TASK_EFFORT = text "effort",
    ACCEPTANCE_CRITERIA = bullets(task.acceptance_criteria), TASK_STEPS = bullets(task.steps),
    TASK_FILES = bullets(task.files), QUESTIONS_RESOLVED = questions(task.questions_resolved),
    ANALYSIS = type(task.analysis) == "table" and core.json.dump(task.analysis, 2) or text "analysis",
  }
  for name, value in pairs(extra or {}) do vars[name] = value end
  return vars
end

return M
