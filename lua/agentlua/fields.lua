-- agentlua.fields: the fields of a task that agentlua gives a meaning, and what they may hold.

local core = require "agentlua.core"

local M = {}

--- Statuses of tasks that are over.
M.ended = { done = true, skipped = true, cancelled = true, split = true }

local function list(value) return type(value) == "table" and (getmetatable(value) ~= nil or next(value) == nil) end
local function text(value) return type(value) == "string" end
local function object(value) return type(value) == "table" and getmetatable(value) == nil end
-- A check for a list of what another check agrees to.
local function list_of(check)
  return function(value)
    if not list(value) then return false end
    for _, element in ipairs(value) do
      if not check(element) then return false end
    end
    return true
  end
end
local strings, objects = list_of(text), list_of(object)
local function question(value) return object(value) and text(value.question) end
local function proposal(value) return object(value) and (value.sub_tasks == nil or objects(value.sub_tasks)) end
local function number(value) return type(value) == "number" end
local function positive(value) return type(value) == "number" and value > 0 end
local function flag(value) return type(value) == "boolean" end
-- As agentlua writes it itself.
local function worktree(value)
  if not object(value) or value.copied and not strings(value.copied) then return false end
  for _, name in ipairs { "path", "branch", "base", "base_commit" } do
    if not text(value[name]) or value[name]:find("\0", 1, true) then return false end
  end
  return value.path:sub(1, 1) == "/" and value.base_commit:find "^%x+$" ~= nil
end
local function time(value) return type(value) == "string" and core.time.parse_iso(value) ~= core.json.null end
local function whisper(value) return object(value) and text(value.text) end
local function texts(value) return text(value) or strings(value) end

--- What a task may be by its field `type`.
M.types = { "prompt", "prompt_template", "script", "mcp", "task_gen", "barrier" }

--- How big a task is said to be by its field `effort`.
M.efforts = { "XS", "S", "M", "L", "XL" }

--- name -> {check, what it must be}
M.known = {
  name = { function(value) return text(value) and value:find "%S" ~= nil end, "text" },
  description = { text, "text" }, category = { text, "text" }, slug = { text, "text" }, type = { text, "text" },
  reason = { text, "text" }, working_dir = { text, "text" }, workflow = { text, "text" }, model = { text, "text" },
  agent = { text, "the name of an agent" }, script_path = { text, "a path" }, post_script = { text, "a path" },
  prompt = { text, "the path of a template" }, mcp_tool = { text, "the name of a tool" },
  mcp_args = { object, "an object" }, workflow_dir = { text, "a path" }, optional = { flag, "true or false" },
  timeout = { positive, "seconds, above 0" },
  priority = { number, "a number; 1 is first" }, effort = { text, "text like S, M or L" },
  hold = { flag, "true or false" }, needs_interview = { flag, "true or false" },
  skip_analysis = { flag, "true or false" }, skip_worktree = { flag, "true or false" },
  not_before = { time, "a time like 2026-01-31T08:00:00Z" },
  dependencies = { texts, "a list of ids or names" }, child_tasks = { strings, "a list of ids" },
  acceptance_criteria = { strings, "a list of texts" }, steps = { strings, "a list of texts" },
  files = { strings, "a list of paths" }, resources = { strings, "a list of names" },
  applicable_standards = { texts, "a list of paths" }, applicable_agents = { texts, "a list of paths" },
  applicable_skills = { texts, "a list of paths" }, applicable_decisions = { texts, "a list of ids" },
  touches = { strings, "a list of globs" }, condition = { texts, "a path rule, or a list of them" },
  ignore = { object, "an object like {\"manual\": true}" },
  worktree = { worktree, "what agentlua wrote" }, analysis_worktree = { worktree, "what agentlua wrote" },
  analysis = { object, "an object" }, pending_question = { question, "an object with a \"question\"" },
  pending_questions = { list_of(question), "a list of objects, each with a \"question\"" },
  questions_resolved = { objects, "a list of objects" },
  budget = { object, "an object like {\"usd\": 1}" },
  whispers = { list_of(whisper), "a list of objects, each with a \"text\"" },
  attempts = { objects, "a list of objects" }, skip_history = { objects, "a list of objects" },
  split_proposal = { proposal, "an object with \"sub_tasks\", a list of objects" },
}

--- The short id of a task, which its branch and worktree are named by.
function M.id8(task) return task.id8 or core.text.id8(task.id) end

--- Why a field cannot hold a value, or nil. null is always well: the field is as if it were not there.
---@return string | nil
function M.problem(name, value)
  local known = M.known[name]
  if not known or value == core.json.null or known[1](value) then return nil end
  return ("'%s' must be %s"):format(name, known[2])
end

--- A task to work with: what has a null, or is of a wrong kind, is as if it were not there. It stays in
--- the file until something is written in its place, and agentlua fsck names it.
function M.sound(task)
  for name, value in pairs(task) do
    if value == core.json.null or M.problem(name, value) then task[name] = nil end
  end
  return task
end

return M
