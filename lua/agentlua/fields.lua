-- agentlua.fields: the fields of a task that agentlua gives a meaning, and what they may hold.

local core = require "agentlua.core"

local M = {}

local function list(value) return type(value) == "table" and (getmetatable(value) ~= nil or next(value) == nil) end
local function strings(value)
  if not list(value) then return false end
  for _, element in ipairs(value) do
    if type(element) ~= "string" then return false end
  end
  return true
end
local function text(value) return type(value) == "string" end
local function number(value) return type(value) == "number" end
local function flag(value) return type(value) == "boolean" end
local function object(value) return type(value) == "table" and getmetatable(value) == nil end
local function time(value) return type(value) == "string" and core.time.parse_iso(value) ~= core.json.null end
local function texts(value) return text(value) or strings(value) end

--- name -> {check, what it must be}
M.known = {
  name = { function(value) return text(value) and value:find "%S" ~= nil end, "text" },
  description = { text, "text" }, category = { text, "text" }, slug = { text, "text" }, type = { text, "text" },
  reason = { text, "text" }, working_dir = { text, "text" }, workflow = { text, "text" }, model = { text, "text" },
  priority = { number, "a number; 1 is first" }, effort = { text, "text like S, M or L" },
  hold = { flag, "true or false" }, needs_interview = { flag, "true or false" },
  skip_analysis = { flag, "true or false" }, skip_worktree = { flag, "true or false" },
  not_before = { time, "a time like 2026-01-31T08:00:00Z" },
  dependencies = { texts, "a list of ids or names" }, child_tasks = { strings, "a list of ids" },
  acceptance_criteria = { strings, "a list of texts" }, steps = { strings, "a list of texts" },
  files = { strings, "a list of paths" }, resources = { strings, "a list of names" },
  touches = { strings, "a list of globs" }, condition = { texts, "a path rule, or a list of them" },
  ignore = { object, "an object like {\"manual\": true}" }, worktree = { object, "an object" },
  analysis = { object, "an object" }, pending_question = { object, "an object" },
  pending_questions = { list, "a list" }, questions_resolved = { list, "a list" }, attempts = { list, "a list" },
  split_proposal = { object, "an object" },
}

--- Why a field cannot hold a value, or nil. null is always well: the field is as if it were not there.
---@return string | nil
function M.problem(name, value)
  local known = M.known[name]
  if not known or value == core.json.null or known[1](value) then return nil end
  return ("'%s' must be %s"):format(name, known[2])
end

return M
