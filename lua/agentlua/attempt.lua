-- agentlua.attempt: one agent process on one task, from its prompt to its ending.

local collect = require "agentlua.collect"
local core = require "agentlua.core"
local environment = require "agentlua.environment"
local errors = require "agentlua.errors"
local launcher = require "agentlua.launch"
local tripwire = require "agentlua.tripwire"

local M = {}

-- Seconds that an agent may take to leave after its final record; a backend may say otherwise.
local linger = 30

-- Bytes of the end of stderr that are looked at.
local stderr_tail = 8192

local function record(project, task, entry)
  local attempts = core.json.array(task.attempts or {})
  attempts[entry.n] = entry
  task.attempts = attempts
  errors.check(project.store:update(task.id, { attempts = attempts }))
end

-- What the agent has said of its task by agentlua task ask, split, analysed, skip.
local function take_claim(run, task, state)
  run:read_control()
  local claim = run.claims[task.id]
  run.claims[task.id] = nil
  if not claim then return end
  if claim.to == "needs-input" then state.question = claim end
  if claim.to == "skipped" then state.skip = claim.reason or "the agent says that it cannot be done" end
  if claim.to == "analysed" then state.analysis = claim.analysis end
end

-- Totals of a session at the end of the last attempt in it.
local function totals_of(task, session)
  for n = #(task.attempts or {}), 1, -1 do
    local entry = task.attempts[n]
    if session and entry.session == session and entry.totals then return entry.totals end
  end
end

-- Starts the process in its surroundings; its output goes to files of the attempt.
local function start(run, task, opts, files, dir)
  local project, config = run.project, run.project.config
  local launch = launcher.build(opts.agent, {
    prompt = opts.prompt, dir = dir, session = opts.session, system = opts.system, mcp = opts.mcp,
    model = project.options.model or type(task.model) == "string" and task.model or nil,
    permission = project.options.permission,
  })
  local options = launch.argv
  options.cwd, options.stdin, options.env = opts.cwd, launch.stdin, environment.of(project, run, task, launch.env)
  options.stdout_file, options.stderr, options.stderr_file = files .. "stream.jsonl", "file", files .. "stderr"
  options.timeout, options.idle, options.start = config.timeouts.wall, config.timeouts.idle, config.timeouts.start
  options.memory, options.processes, options.output =
    config.bounds.memory, config.bounds.processes, config.bounds.output
  options.launcher = config.launcher
  return run:spawn(task, options)
end

-- Reads what the process says until it ends.
local function listen(child, collector, backend)
  local over = false
  for line in child:lines() do
    if collector:line(line) and not over then
      over = true
      if collector.state.cut then child:stop() else child:expect_end(backend.linger or linger) end
    end
  end
  return child:wait()
end

-- What is kept of an attempt in its task, and said in the log.
local function finish(run, task, entry, state, result)
  entry.ended_at, entry.session = core.time.iso(), state.session
  entry.bound, entry.exit_code, entry.error = result.bound, result.code, result.error
  entry.turns, entry.cost = state.turns, state.cost
  entry.tokens = { ["in"] = state.tokens_in, out = state.tokens_out, cached = state.tokens_cached }
  entry.totals = next(state.totals) and state.totals or nil
  record(run.project, task, entry)
  run:event("attempt_ended", {
    task = task.id, attempt = entry.n, agent = entry.agent, ending = entry.ending, bound = result.bound,
    session = state.session, turns = state.turns, tokens = state.tokens_in + state.tokens_out, cost = state.cost,
    seconds = result.seconds, exit_code = result.code, containment = result.containment,
    lingered = result.lingered, log_error = result.log_error,
  })
end

--- Runs the agent once. Options: prompt, cwd, agent, phase, session = to resume, system, mcp.
---@return table result {ok, ending, text, state, reason, exit_code, bound, log, session}
function M.run(run, task, opts)
  local project, backend = run.project, opts.agent
  local n = #(task.attempts or {}) + 1
  local dir = run.dir .. "/" .. (task.id8 or core.text.id8(task.id))
  local files = ("%s/%d."):format(dir, n)
  errors.check(core.fs.mkdir(dir))
  errors.check(core.fs.write { path = files .. "prompt.md", content = opts.prompt })
  local entry = { n = n, run = run.id, agent = backend.name, phase = opts.phase, started_at = core.time.iso() }
  record(project, task, entry)
  run:event("attempt_started", { task = task.id, attempt = n, agent = backend.name, log = files .. "stream.jsonl" })

  local collector = collect.new(backend, totals_of(task, opts.session), function(event) run.view(task, event) end)
  local state = collector.state
  local before = tripwire.before(project)
  local child <close>, message, code = start(run, task, opts, files, dir)
  local result
  if child then
    result = listen(child, collector, backend)
    run:forget(child)
    take_claim(run, task, state)
    result.stderr = (core.fs.read(files .. "stderr") or ""):sub(-stderr_tail)
    entry.ending = (run.stopping or task.stop_wanted) and "stopped" or backend:classify(state, result)
  else
    result, entry.ending = { code = -1, signal = 0, error = message, error_code = code, stderr = "" }, "crash"
  end
  tripwire.after(project, task, before)
  finish(run, task, entry, state, result)
  local said = state.error and state.error.text or state.limit and state.limit.text or state.auth and state.auth.text
  return {
    ok = entry.ending == "done", ending = entry.ending, text = collector:text(), state = state,
    reason = result.error or said or result.stderr:match "([^\n]*)\n*$", exit_code = result.code,
    bound = result.bound, log = files .. "stream.jsonl", session = state.session,
  }
end

return M
