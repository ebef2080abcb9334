-- agentlua.attempt.whispers: what a person says to a task, for its agent. It is kept in the task from the moment it is
-- said, {text, at, urgent, delivered?}, and told in the prompt of the next attempt: `delivered` is its number.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local lock = require "agentlua.lock"

local M = {}

--- What a task was told and no agent has been told yet. An attempt that did not start, or whose session was not
--- there, has not told it.
function M.unheard(task)
  local left, attempts = {}, task.attempts or {}
  for _, one in ipairs(task.whispers or {}) do
    local attempt = attempts[one.delivered or 0]
    if not attempt or attempt.error or attempt.no_session == true then left[#left + 1] = one end
  end
  return left
end

-- Has `fn(task)` change `task.whispers`; the person who speaks and the runner who listens take turns.
local function change(project, id, fn)
  local dir = project.dir .. "/runs"
  errors.check(core.fs.mkdir(dir))
  local guard <close> = errors.check(lock(dir .. "/whispers.lock", { wait = 10 }))
  local task = fields.sound(errors.check_usage(project.store:get(id)))
  task.whispers = core.json.array(task.whispers or {})
  local result = fn(task)
  errors.check(project.store:update(id, { whispers = task.whispers }))
  return result
end

--- Says something to a task.
function M.add(project, id, text, urgent)
  change(project, id, function(task)
    task.whispers[#task.whispers + 1] = { text = text, at = core.time.iso(), urgent = urgent or false }
  end)
end

--- True when a task was told something that no agent has been told yet.
function M.waiting(project, task)
  local now = fields.sound(errors.check(project.store:get(task.id)))
  return #M.unheard(now) > 0
end

--- Takes what is to be told in attempt `n`: {text, at, urgent} each. It counts as told once the attempt is in the task.
function M.take(project, task, n)
  if not M.waiting(project, task) then return {} end
  return change(project, task.id, function(now)
    local left = M.unheard(now)
    for _, one in ipairs(left) do one.delivered = n end
    return left
  end)
end

--- The prompt of attempt `n`, with what is to be told.
function M.deliver(project, task, n, prompt)
  local texts = {}
  for i, one in ipairs(M.take(project, task, n)) do texts[i] = one.text end
  if #texts == 0 then return prompt end
  return ("%s\n\n# From the operator\n\n%s\n"):format(prompt, table.concat(texts, "\n\n"))
end

return M
