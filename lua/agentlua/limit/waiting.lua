-- agentlua.limit.waiting: the tasks that a loop does not claim now although they could run: their account is
-- limited or has no place, or they pause. They hold nothing meanwhile: they are where they came from.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local limit = require "agentlua.limit"
local rate = require "agentlua.limit.rate"
local view = require "agentlua.view"

local M = {}

local waiting = {}
waiting.__index = waiting

--- What a run waits for. `from`: the statuses that it claims from.
function M.new(run, from)
  return setmetatable({ project = run.project, run = run, from = from, pauses = {}, left = {} }, waiting)
end

-- ---- what people see ------------------------------------------------------------------------------------

--- Says, and logs, that an account is limited; once for each limit.
function M.note(run, account, held)
  run.limits = run.limits or {}
  local known = run.limits[account]
  run.limits[account] = held
  if known and known.kind == held.kind and limit.left(held) <= limit.left(known) + 1 then return end
  run:event("limit_started", {
    account = account, kind = held.kind, ends = held.resets_at and core.time.iso(held.resets_at),
    evidence = held.evidence, confidence = held.confidence,
  })
  view.say(limit.describe(account, held))
end

local function note_ended(run, held)
  for account in pairs(run.limits or {}) do
    if not held[account] then
      run.limits[account] = nil
      run:event("limit_ended", { account = account })
    end
  end
end

-- ---- which tasks ----------------------------------------------------------------------------------------

--- A task was put back to wait: {account=} until that is free, or {seconds=}.
function waiting:put(task, wait)
  local own = wait.account ~= nil
  for _, backend in ipairs(wait.account and self.project:agents_for(task) or {}) do
    if backend.account == wait.account then own = false end
  end
  -- Of agents that the project does not know, the script's own, only the task's last wait tells.
  if wait.seconds or own then
    self.pauses[task.id] = { account = wait.account, ends = wait.seconds and core.time.clock() + wait.seconds }
  end
end

-- A person has answered the task that met a limit without end, after it was met: it may try again.
local function answered(task, account, held)
  local attempts, answers = task.attempts or {}, task.questions_resolved or {}
  local last, answer = attempts[#attempts], answers[#answers]
  return not held.resets_at and last and last.last and last.account == account and answer
    and type(answer.answered_at) == "string" and answer.answered_at > (held.reported_at or "")
end

-- Seconds until an agent may start, each account asked once.
local function place_for(self, backend, places)
  local account = backend.account
  places[account] = places[account] or rate.remaining(account, self.project.config.rate[backend.name])
  return places[account]
end

-- Seconds until a task may be claimed, as far as agents are concerned; 0: now.
function waiting:seconds(task, held, places)
  local pause = self.pauses[task.id]
  if pause then
    local left = pause.ends and pause.ends - core.time.clock() or limit.left(held[pause.account])
    if left > 0 then return left end
    self.pauses[task.id] = nil
  end
  local backend, found, account = self.project:free_agent(task, held)
  if not found then return place_for(self, backend, places) end
  if answered(task, account, found) then
    limit.clear(account)
    held[account] = nil
    return 0
  end
  M.note(self.run, account, found)
  return limit.left(found)
end

--- Finds out which tasks may not be claimed now, beside those in `seen`. Returns the ids of all of these.
function waiting:exclude(seen)
  local held, ids = limit.all(), core.json.array(table.move(seen, 1, #seen, 1, {}))
  note_ended(self.run, held)
  self.left = {}
  if not next(held) and not next(self.pauses) and not next(self.project.config.rate) then return ids end
  local skip, places = {}, {}
  for _, id in ipairs(seen) do skip[id] = true end
  for _, status in ipairs(self.from) do
    for _, task in ipairs(errors.check(self.project.store:list(status))) do
      local seconds = skip[task.id] and 0 or self:seconds(fields.sound(task), held, places)
      if seconds > 0 then
        ids[#ids + 1], self.left[task.id] = task.id, seconds
      end
    end
  end
  return ids
end

--- Seconds until one of those found by exclude() may be claimed, if nothing else keeps it back; nil: none waits
--- so. `only`: the id of the one task that is looked at.
function waiting:next(only)
  if not next(self.left) then return nil end
  local blocked, least = {}, nil
  for _, task in ipairs(errors.check(self.project.store:next(self.from)).blocked) do blocked[task.id] = true end
  for id, seconds in pairs(self.left) do
    if not blocked[id] and (not only or only == id) then least = math.min(seconds, least or math.huge) end
  end
  return least
end

return M
