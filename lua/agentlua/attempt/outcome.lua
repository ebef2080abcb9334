-- agentlua.attempt.outcome: what is kept of an attempt in its task, and what its caller is told.

local budget = require "agentlua.budget"
local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

--- Writes down what is known of an attempt in its task.
function M.record(project, task, entry)
  local attempts = core.json.array(task.attempts or {})
  attempts[entry.n] = entry
  task.attempts = attempts
  errors.check(project.store:update(task.id, { attempts = attempts }))
end

--- Totals of a session at the end of the last attempt in it.
function M.totals(task, session)
  for n = #(task.attempts or {}), 1, -1 do
    local entry = task.attempts[n]
    if session and entry.session == session and entry.totals then return entry.totals end
  end
end

-- A budget in dollars cannot hold an agent that does not say what it costs: said once of each.
local function say_unknown(run, entry, state)
  if state.cost_kind ~= "unknown" or not run.budget.bounds "usd" or run.unknown_cost[entry.agent] then return end
  run.unknown_cost[entry.agent] = true
  run:event("budget_unknown", { agent = entry.agent })
  errors.warn(("what agent '%s' costs is not known: the budget in dollars does not hold it; tokens, turns and "
    .. "seconds do"):format(entry.agent))
end

--- Keeps what came of an attempt in its task, and says it in the log.
function M.finish(run, task, entry, state, result)
  entry.ended_at, entry.session = core.time.iso(), state.session
  entry.bound, entry.exit_code, entry.error = result.bound, result.code, result.error
  entry.turns, entry.cost, entry.cost_kind = state.turns, state.cost, state.cost_kind
  entry.model, entry.seconds = state.model, result.seconds
  entry.tokens = { ["in"] = state.tokens_in, out = state.tokens_out, cached = state.tokens_cached }
  entry.totals = next(state.totals) and state.totals or nil
  M.record(run.project, task, entry)
  run:event("attempt_ended", {
    task = task.id, attempt = entry.n, agent = entry.agent, ending = entry.ending, bound = result.bound,
    session = state.session, turns = state.turns, tokens = state.tokens_in + state.tokens_out, cost = state.cost,
    cost_kind = state.cost_kind, seconds = result.seconds, exit_code = result.code, containment = result.containment,
    lingered = result.lingered, log_error = result.log_error,
  })
  say_unknown(run, entry, state)
end

-- Why it ended so, in a line.
local function reason_of(state, result)
  if state.over then return budget.describe(state.over) end
  local final = state.final and state.final.ok == false and state.final or {}
  for _, event in ipairs { state.error or {}, state.limit or {}, state.auth or {}, final } do
    if type(event.text) == "string" then return event.text end
  end
  return result.error or result.stderr:match "([^\n]*)\n*$"
end

--- What the caller of an attempt is told. With completion = "explicit" the work is done only when the agent has said
--- so by agentlua task done.
function M.of(run, task, opts, entry, collector, result)
  local state = collector.state
  local said = {
    ok = entry.ending == "done", ending = entry.ending, text = collector:text(), state = state,
    reason = reason_of(state, result), exit_code = result.code, bound = result.bound, session = state.session,
    over = state.over, entry = entry,
  }
  if said.ok and opts.phase == "execute" and run.project.config.completion == "explicit" and not state.claimed then
    said.ok = false
    said.feedback = "It ended without saying that the task is done: agentlua task done " .. task.id
    said.reason = said.feedback
  end
  return said
end

return M
