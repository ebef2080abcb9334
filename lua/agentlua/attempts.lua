-- agentlua.attempts: runs an agent on a task until it says done, at most so many times.

local attempt = require "agentlua.attempt"
local history = require "agentlua.attempt.history"
local limit = require "agentlua.limit"
local rate = require "agentlua.limit.rate"
local session = require "agentlua.attempt.session"
local verdicts = require "agentlua.attempt.verdict"
local whispers = require "agentlua.attempt.whispers"

local M = {}

-- Runs the agent once, if it may start now, and has its claim to be done judged.
local function once(run, task, opts)
  local project, account = run.project, opts.agent.account
  if run:halts(task) then return { ok = false, ending = "stopped" } end
  if limit.get(account) then return { ok = false, ending = "limit", wait = { account = account } } end
  local lease <close>, seconds = rate.admit(account, project.config.rate[opts.agent.name])
  if not lease then return { ok = false, ending = "limit", wait = { seconds = seconds } } end
  local prompt, resumed = session.next(project, task, history.series(task, opts.phase), opts)
  local result = attempt.run(run, task, {
    agent = opts.agent, cwd = opts.cwd, phase = opts.phase, prompt = prompt, session = resumed, lease = lease,
    budget = opts.budget,
  })
  lease:close()
  if result.ok and opts.accept and not whispers.waiting(project, task) then
    run.progress:set(task, { phase = "verify" })
    result.ok, result.feedback = opts.accept(result)
    if run:halts(task) and not result.ok then result.ending = "stopped" end
    if not result.ok then result.reason = result.feedback end
  end
  return result
end

--- Runs the agent until it says done and `accept` agrees, at most `attempts` (configuration) times.
--- Options: prompt, cwd, agent, phase = "analyse" or "execute", as the loop is, accept(result) -> ok, feedback,
--- budget = amounts that lower that of an attempt.
---@return table result {ok, ending, text, reason, log, attempts = failed ones, wait}  wait: nothing is decided, the
--- task is to go back to where it came from until `wait.account` is free, or `wait.seconds` are over
function M.run(run, task, opts)
  while true do
    local result = once(run, task, opts)
    if not result.entry then return result end
    local verdict = verdicts.settle {
      run = run, task = task, opts = opts, result = result, series = history.series(task, opts.phase),
    }
    result.wait = not verdict.over and verdict.wait or nil
    if result.ok or verdict.over or result.wait then return result end
  end
end

return M
