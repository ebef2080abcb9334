-- agentlua.attempt.verdict: what the ending of an attempt means for its task, one rule for each. What was before is
-- read from the task (history.lua).

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local history = require "agentlua.attempt.history"
local limit = require "agentlua.limit"
local outcome = require "agentlua.attempt.outcome"
local session = require "agentlua.attempt.session"
local waiting = require "agentlua.limit.waiting"
local whispers = require "agentlua.attempt.whispers"

local M = {}

-- Most times in a row that an agent may use up its turns and go on.
local most_turn_limits = 5

local function tail(text, bytes) return #text > bytes and "..." .. text:sub(-bytes) or text end

-- A rule gets what settle() gets and says what follows: {over = true} the task is handed over; {spent = true} it
-- was a failed attempt; {wait = {account=} or {seconds=}} the task goes back and waits; {} it goes on at once.

local over, spent, again = { over = true }, { spent = true }, {}
local rules = { needs_input = over, refused = over, budget = over, timeout = spent, killed = spent }

-- Has a person look at it; nothing is failed, and no attempt spent.
local function park(at, text)
  at.result.state.question = {
    question = text, context = at.result.reason,
    options = { { key = "A", label = "Try again" }, { key = "B", label = "Skip this task", skip = true } },
  }
  return over
end

local function text_or_nil(value) return type(value) == "string" and value or nil end

-- No vendor has limits that last longer, in seconds: a month and some days.
local longest_limit = 40 * 86400

-- What the text of a limit says. Wordings of a backend that are no patterns are told of, and passed over.
local function read_text(text, backend, now)
  local options = { vendor = backend.name, words = backend.limits, now = now, is_limit = true }
  local ok, found = pcall(limit.parse, text, options)
  if ok then return found or {} end
  errors.warn(("agent '%s': %s"):format(backend.name, tostring(found)))
  options.words = nil
  return limit.parse(text, options) or {}
end

-- The limit that an agent has met, as a value. An end that is over, or too far away to be true, is none; a wall
-- time is cut to the minute.
local function limit_of(at)
  local said, now, backend = at.result.state.limit or {}, limit.clock.wall(), at.opts.agent
  local text = text_or_nil(said.text) or ""
  local read, after = read_text(text, backend, now), tonumber(said.retry_after)
  local named = tonumber(said.resets_at) or after and now + after
  local ends = named or read.resets_at and read.resets_at + (read.confidence == "clock" and 60 or 0)
  return {
    account = backend.account, kind = text_or_nil(said.kind) or read.kind,
    scope = text_or_nil(said.scope) or read.scope,
    resets_at = ends and ends > now and ends < now + longest_limit and ends or nil,
    confidence = named and "exact" or read.confidence, evidence = read.evidence or tail(text, 200),
  }
end

-- Money that is used up, and a month that is not over soon, are a person's to look at.
local function is_for_a_person(found, longest)
  local soon = found.resets_at and found.resets_at - limit.clock.wall() <= longest
  return found.kind == "credit" or found.kind == "monthly" and not soon
end

-- Tells everybody of a limit; true when nobody has before.
local function report(at, found)
  local held, fresh = limit.report(found)
  waiting.note(at.run, found.account, held)
  return fresh
end

function rules.limit(at)
  local settings, account = at.run.project.config.limits, at.opts.agent.account
  local found = limit_of(at)
  local times, first = history.ended(at.series, "limit", at.opts.agent)
  if is_for_a_person(found, settings.max_wait) then
    if not report(at, found) then return { wait = { account = account } } end
    return park(at, ("%s has no %s left. Add credit or raise the limit, then answer."):format(account,
      found.kind == "credit" and "credit" or "quota of this month"))
  end
  if not found.resets_at then
    found.resets_at = limit.clock.wall() + limit.backoff(times, settings.backoff.base, settings.backoff.cap)
    found.confidence = "backoff"
  end
  report(at, found)
  local since = limit.clock.wall() - (tonumber(core.time.parse_iso(first.ended_at)) or limit.clock.wall())
  if times <= settings.repeats and since <= settings.max_wait then return { wait = { account = account } } end
  if found.kind == "overloaded" then return spent end
  return park(at, ("%s was limited %d times in a row, for %.0f minutes now. Shall it be tried again?"):format(account,
    times, since / 60))
end

-- No question to each task: `agentlua login` lets all of them go on.
function rules.auth(at)
  local said, account = at.result.state.auth or {}, at.opts.agent.account
  report(at, { account = account, kind = "auth", evidence = tail(text_or_nil(said.text) or "", 200) })
  return { wait = { account = account } }
end

function rules.max_turns(at)
  local times = history.ended(at.series, "max_turns")
  local goes_on = session.of(at.series, at.opts.agent, at.opts.cwd)
  return goes_on and times <= most_turn_limits and again or spent
end

function rules.api_error(at)
  local entry, settings = at.result.entry, at.run.project.config.limits
  local problem = at.result.state.error or {}
  local status = tonumber(problem.status) or 0
  entry.retry = status >= 500 and status <= 599 or nil
  local times = history.retries(at.series)
  if not entry.retry or times > settings.repeats then return spent end
  return { wait = { seconds = limit.backoff(times, settings.backoff.base, settings.backoff.cap) } }
end

-- An agent that dies at once must not use up all attempts, of one task after the other, in a moment.
function rules.crash(at)
  local times = history.quick_crashes(at.series)
  return { spent = true, wait = times > 0 and { seconds = limit.backoff(times, 1, 60) } or nil }
end

-- What the next attempt is told about this one.
local function feedback(result)
  return tail(core.text.printable(result.feedback or ("It ended with '%s'. %s"):format(result.ending,
    result.reason or "")), 8000)
end

--- Judges an attempt, {run, task, opts, result, series}, and writes down what the next one needs to know of it.
---@return { over: boolean?, spent: boolean?, wait: table? } verdict
function M.settle(at)
  local result, entry = at.result, at.result.entry
  local interrupted = at.task.interrupted and not at.run:halts(at.task)
  if result.ending == "stopped" then return interrupted and again or over end
  if result.ending == "budget" and at.run.stopping then return over end -- not of the task
  local unheard = result.ok and whispers.waiting(at.run.project, at.task)
  result.ok = result.ok and not unheard -- who has not heard all that was said to him is not done
  local rule = result.ok and over or (unheard or session.unknown(result)) and again or rules[result.ending] or spent
  local verdict = type(rule) == "function" and rule(at) or rule
  entry.no_session = session.lost(result) or nil
  if result.entry.ending == "done" then limit.works(at.opts.agent.account) end
  entry.spent = verdict.spent
  entry.feedback = verdict.spent and feedback(result) or nil
  result.attempts = history.spent(at.series)
  if verdict.spent and result.attempts >= at.run.project.config.attempts then verdict = over end
  entry.last = verdict.over
  outcome.record(at.run.project, at.task, entry)
  return verdict
end

return M
