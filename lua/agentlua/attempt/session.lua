-- agentlua.attempt.session: what the next attempt on a task begins with: the session of an earlier one and a short
-- prompt, or the whole prompt.

local history = require "agentlua.attempt.history"

local M = {}

-- How an attempt ended, in the words of prompts/resume.md.
local words = {
  limit = "a usage limit was reached", max_turns = "the turns that you had were used up",
  timeout = "it took too long", api_error = "the service failed", crash = "your program ended unexpectedly",
  killed = "your program was killed", stopped = "the work was stopped", done = "you said that you were done",
}

-- True when a command has a place for a session.
local function names_session(element)
  if type(element) == "string" then return element:find("{session}", 1, true) ~= nil end
  for _, one in ipairs(element) do
    if names_session(one) then return true end
  end
  return false
end

--- The session that the agent has of this work in this directory, or nil. One that is not there any more, or
--- in which nothing could be done, is not tried again.
function M.of(series, backend, cwd)
  if not names_session(backend.argv) then return nil end -- it cannot go on with any
  for i = #series, 1, -1 do
    local one = series[i]
    if one.agent == backend.name and one.cwd == cwd then
      if one.no_session == true then return nil end
      if type(one.session) == "string" then return one.session end
    end
  end
end

--- True when the agent does not know the session that it was to go on with.
function M.unknown(result)
  return result.entry.resumed ~= nil and (result.state.error or {}).code == "no_session"
end

--- True when an attempt has shown that its session is of no use: unknown, or it failed in it before it had done
--- anything, and the service is well.
function M.lost(result)
  local entry = result.entry
  local failed = result.ending == "crash" or result.ending == "api_error" and not entry.retry
  return M.unknown(result) or entry.resumed ~= nil and failed and result.state.turns == 0
end

local function with_failure(prompt, series, failure)
  if not failure then return prompt end
  return ("%s\n\n# Attempt %d did not succeed\n\n%s\n\nIts work is still in this directory. Go on from it.\n"):format(
    prompt, series[#series].n, failure)
end

--- What the next attempt begins with. `prompt`: the whole one.
---@return string prompt, string? session
function M.next(project, task, series, opts)
  local last, session = series[#series], M.of(series, opts.agent, opts.cwd)
  local failure = history.failure(series)
  if not session then return with_failure(opts.prompt, series, failure) end
  return project:prompt("resume", task, {
    INTERRUPTED = words[last.ending] or "the work was cut off", FAILURE = failure or "",
  }), session
end

return M
