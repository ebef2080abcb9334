-- agentlua.attempts: runs an agent on a task until it says done, at most so many times.

local attempt = require "agentlua.attempt"
local core = require "agentlua.core"
local limit = require "agentlua.limit"

local M = {}

local function tail(text, bytes) return #text > bytes and "..." .. text:sub(-bytes) or text end

local function wait_for_limit(run, task, backend, found, times)
  local now = core.time.now()
  local ends = found.resets_at or now + limit.backoff(times, 60, 3600)
  limit.report(backend.account, ends, tail(tostring(found.text or ""), 200))
  run:event("limit_started", { task = task.id, account = backend.account, ends = core.time.iso(ends) })
  local over = limit.wait(backend.account, function() return run.stopping or task.stop_wanted end)
  if over then run:event("limit_ended", { account = backend.account }) end
  return over
end

-- What the next attempt is told about the last one.
local function with_failure(prompt, n, result)
  return ("%s\n\n# Attempt %d did not succeed\n\n%s\n\nIts work is still in this directory. Go on from it.\n"):format(
    prompt, n, tail(core.text.printable(result.feedback or ("It ended with '%s'. %s"):format(
      result.ending, result.reason or "")), 8000))
end

--- Runs the agent until it says done and `accept` agrees, at most `attempts` (configuration) times.
--- Options: prompt, cwd, agent, phase = name for the record, accept(result) -> ok, feedback.
---@return table result {ok, ending, text, reason, log, attempts}
function M.run(run, task, opts)
  local most, tried, limits, prompt = run.project.config.attempts, 0, 0, opts.prompt
  while true do
    local result
    if limit.wait(opts.agent.account, function() return run.stopping or task.stop_wanted end)
      and not run.stopping and not task.stop_wanted then
      result = attempt.run(run, task, {
        agent = opts.agent, cwd = opts.cwd, phase = opts.phase, prompt = prompt,
      })
    else
      result = { ok = false, ending = "stopped" }
    end
    if result.ok and opts.accept then
      result.ok, result.feedback = opts.accept(result)
      if run.stopping and not result.ok then result.ending = "stopped" end
      if not result.ok then result.reason = result.feedback end
    end
    if result.ending == "limit" then
      limits = limits + 1
      if not wait_for_limit(run, task, opts.agent, result.state.limit, limits) then result.ending = "stopped" end
    else
      tried = tried + 1
    end
    result.attempts = tried
    local again = not result.ok and tried < most and result.ending ~= "stopped" and result.ending ~= "needs_input"
      and result.ending ~= "auth" and result.ending ~= "refused" and result.ending ~= "budget"
    if not again then return result end
    if result.ending ~= "limit" then prompt = with_failure(opts.prompt, #task.attempts, result) end
  end
end

return M
