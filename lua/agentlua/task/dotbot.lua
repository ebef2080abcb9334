-- agentlua.task.dotbot: task directories that dotbot works on, too. What is written there is what it expects: it
-- knows neither `failed` nor `needs-review`, and keeps sessions and times of a task in fields of its own.

local core = require "agentlua.core"
local fields = require "agentlua.fields"
local questions = require "agentlua.task.questions"

local M = {}

--- True for dotbot's task directory.
function M.owns(dir) return ("/" .. dir):find "/%.bot/workspace/tasks/*$" ~= nil end

local function list_of(value) return core.json.array(type(value) == "table" and value or {}) end

-- The attempts of a phase as sessions, after those that are there.
local function sessions(task, phase, known)
  local all, seen = core.json.array(), {}
  for i, one in ipairs(list_of(known)) do
    all[i] = one
    if type(one) == "table" then seen[tostring(one.id) .. tostring(one.started_at)] = true end
  end
  for _, one in ipairs(task.attempts or {}) do
    local id = one.session or one.run
    if one.phase == phase and id and not seen[id .. tostring(one.started_at)] then
      all[#all + 1] = { id = id, started_at = one.started_at, ended_at = one.ended_at or core.json.null }
    end
  end
  return #all > 0 and all or nil
end

-- What the attempts say of a task.
local function add_sessions(task, patch)
  patch.analysis_sessions = sessions(task, "analyse", task.analysis_sessions)
  patch.execution_sessions = sessions(task, "execute", task.execution_sessions)
  for field, list in pairs {
    analysis_started_at = patch.analysis_sessions or {}, started_at = patch.execution_sessions or {},
  } do
    if type(task[field]) ~= "string" then patch[field] = (list[1] or {}).started_at end
  end
  local last = task.attempts and task.attempts[#task.attempts]
  patch.claude_session_id = last and last.session
end

-- Only a person can say what becomes of work that was not landed.
local function review_question(task, reason)
  local question = questions.about_work("review",
    ("The work on '%s' waits for you. Land it, or say how it goes on."):format(task.name), reason,
    ("I land it: agentlua land %s, or git merge"):format(fields.id8(task)),
    "Give it back to an agent, in the same worktree")
  question.recommendation = "A"
  return question
end

local translations = {}

-- dotbot tries such a task again until its history has three entries.
function translations.failed(task, patch)
  local history = list_of(task.skip_history)
  history[#history + 1] = {
    skipped_at = core.time.iso(), reason = #(task.attempts or {}) > 1 and "max-retries" or "non-recoverable",
    detail = patch.reason,
  }
  patch.skip_history, patch.failed_at = history, core.time.iso()
  return "skipped"
end

translations["needs-review"] = function(task, patch)
  patch.pending_question = review_question(task, patch.reason)
  return "needs-input"
end

--- What a move of a task becomes there.
---@return string to, table patch
function M.translate(task, to, patch)
  local changes = {}
  for name, value in pairs(patch or {}) do changes[name] = value end
  add_sessions(task, changes)
  local translate = translations[to]
  return translate and translate(task, changes) or to, changes
end

--- Tasks of a list of skipped ones that have failed.
function M.failed(tasks)
  local all = {}
  for _, task in ipairs(tasks) do
    if type(task.failed_at) == "string" then all[#all + 1] = task end
  end
  return all
end

--- Tasks of a list of those in needs-input whose work waits to be landed.
function M.in_review(tasks)
  local all = {}
  for _, task in ipairs(tasks) do
    if type(task.pending_question) == "table" and task.pending_question.id == "review" then all[#all + 1] = task end
  end
  return all
end

return M
