-- agentlua.attempt: one agent process on one task, from its prompt to its ending.

local agents = require "agentlua.agent"
local budget = require "agentlua.budget"
local collect = require "agentlua.collect"
local core = require "agentlua.core"
local environment = require "agentlua.environment"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local hooks = require "agentlua.hooks"
local launcher = require "agentlua.launch"
local sandbox = require "agentlua.sandbox"
local servers = require "agentlua.mcp.servers"
local tripwire = require "agentlua.tripwire"
local whispers = require "agentlua.whispers"

local M = {}

-- Seconds that an agent may take to leave after its final record; a backend may say otherwise.
local linger = 30

-- Bytes of the end of stderr that are looked at.
local stderr_tail = 8192

--- Writes down what is known of an attempt in its task.
function M.record(project, task, entry)
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
  if claim.to == "done" then state.claimed = true end
end

-- Totals of a session at the end of the last attempt in it.
local function totals_of(task, session)
  for n = #(task.attempts or {}), 1, -1 do
    local entry = task.attempts[n]
    if session and entry.session == session and entry.totals then return entry.totals end
  end
end

local function build(run, task, opts, dir, n)
  local project = run.project
  return launcher.build(opts.agent, {
    prompt = opts.prompt, dir = dir, session = opts.session, system = opts.system,
    mcp = opts.mcp or servers.of(project, environment.of(project, run, task, opts.agent.env), n, opts.phase),
    model = project:model_of(task, opts.agent), permission = project.options.permission,
  })
end

-- Starts the process in its surroundings, when somebody is logged in; its output goes to files of the attempt.
local function start(run, task, opts, launch, files)
  local project, config, options = run.project, run.project.config, launch.argv
  options.cwd, options.stdin, options.env = opts.cwd, launch.stdin, environment.of(project, run, task, launch.env)
  if agents.logged_in(opts.agent, options.env) == false then
    return nil, ("agent '%s' is not logged in; log in with: agentlua login %s"):format(opts.agent.name,
      opts.agent.name), "EAUTH"
  end
  options.stdout_file, options.stderr, options.stderr_file = files .. "stream.jsonl", "file", files .. "stderr"
  options.timeout, options.idle, options.start =
    opts.timeout or config.timeouts.wall, opts.timeout or config.timeouts.idle, config.timeouts.start
  options.memory, options.processes, options.output =
    config.bounds.memory, config.bounds.processes, config.bounds.output
  options.launcher = table.move(config.launcher, 1, #config.launcher, 1, {})
  local box = sandbox.launcher(project, run, task, opts.cwd, options[1], launch.state)
  table.move(box, 1, #box, #options.launcher + 1, options.launcher)
  options.hold = { opts.lease and opts.lease.fd() }
  return run:spawn(task, options)
end

-- Reads what the process says until it ends, or has to be ended.
local function listen(run, task, child, collector, backend)
  local over = false
  for line in child:lines() do
    local ended = collector:line(line)
    run.progress:heard(task, collector.state)
    if ended and not over then
      over = true
      if collector.state.cut then child:stop() else child:expect_end(backend.linger or linger) end
    end
  end
  return child:wait()
end

-- Charges what was seen; when a budget is reached, the attempt is to be ended, and with that of the run or
-- the day all others too.
local function charge(run, task, meter, state)
  local over = meter.take(state)
  if not over or state.over or state.final then return end
  state.over, state.cut = over, "budget"
  run:event("budget_exceeded", {
    task = task.id, level = over.level, figure = over.figure, used = over.used, most = over.most,
  })
  if over.level == "run" or over.level == "day" then run:stop "budget" end
end

-- Looks at the clock for an agent that says nothing.
local function watch_clock(run, task, meter, state, child)
  while not state.cut do
    fiber.sleep(1)
    charge(run, task, meter, state)
  end
  child:stop()
end

-- Runs the process that was prepared, and says how it ended.
local function process(run, task, opts, place, collector, meter)
  local state, watchers <close> = collector.state, fiber.group()
  local child <close>, message, code = start(run, task, opts, place.launch, place.files)
  if not child then
    if code == "EAUTH" then state.auth = { type = "auth", text = message } end
    return { code = -1, signal = 0, error = message, error_code = code, stderr = "", seconds = 0.0 },
      state.auth and "auth" or "crash"
  end
  if meter.timed then watchers:spawn(watch_clock, run, task, meter, state, child) end
  run.agents[task.id] = child
  if task.interrupted then child:stop() end
  local result = listen(run, task, child, collector, opts.agent)
  run.agents[task.id] = nil
  run:forget(child)
  take_claim(run, task, state)
  result.stderr = (core.fs.read(place.files .. "stderr") or ""):sub(-stderr_tail)
  if (run:halts(task) or task.interrupted) and not state.over then return result, "stopped" end
  return result, opts.agent:classify(state, result)
end

-- A budget in dollars cannot hold an agent that does not say what it costs: said once of each.
local function say_unknown(run, entry, state)
  if state.cost_kind ~= "unknown" or not run.budget.bounds "usd" or run.unknown_cost[entry.agent] then return end
  run.unknown_cost[entry.agent] = true
  run:event("budget_unknown", { agent = entry.agent })
  io.stderr:write(("agentlua: what agent '%s' costs is not known: the budget in dollars does not hold it; tokens, "
    .. "turns and seconds do\n"):format(core.text.printable(entry.agent)))
end

-- What is kept of an attempt in its task, and said in the log.
local function finish(run, task, entry, state, result)
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

--- Runs the agent once. Options: prompt, cwd, agent, phase, session = to resume, system, mcp, budget = amounts
--- that lower that of an attempt, lease = of rate.admit(), timeout = seconds instead of those of config.lua. When
--- the session is not known any more, state.error.code is "no_session": start anew with the whole prompt. Raises
--- EINVAL for a mode of permission that the agent does not have.
---@return table result {ok, ending, text, state, reason, exit_code, bound, log, session, over = a reached budget,
--- entry = what is kept of it in the task; none when it was not started}
function M.run(run, task, opts)
  local project, backend = run.project, opts.agent
  local meter = run.budget.meter(task, opts.budget)
  local _ <close> = setmetatable({}, { __close = meter.close })
  local spent = meter.take { tokens_in = 0, tokens_out = 0, turns = 0 }
  if spent then
    return { ok = false, ending = "budget", over = spent, text = "", state = {}, reason = budget.describe(spent) }
  end
  local n = #(task.attempts or {}) + 1
  local dir = run.dir .. "/" .. (task.id8 or core.text.id8(task.id))
  local place = { dir = dir, files = ("%s/%d."):format(dir, n) }
  errors.check(core.fs.mkdir(dir))
  task.interrupted = nil
  opts.prompt = whispers.deliver(project, task, n, opts.prompt)
  opts.prompt = hooks.call(run, "on_prompt", opts.prompt, task, run) or opts.prompt
  errors.check(core.fs.write { path = place.files .. "prompt.md", content = opts.prompt })
  place.launch = build(run, task, opts, dir, n)
  local known, version = errors.try(agents.version, backend)
  local entry = {
    n = n, run = run.id, agent = backend.name, account = backend.account, version = known and version or nil,
    phase = opts.phase, cwd = opts.cwd, resumed = opts.session, started_at = core.time.iso(),
  }
  M.record(project, task, entry)
  run.progress:attempt(task, n, backend.name)
  local log = place.files .. "stream.jsonl"
  run:event("attempt_started", {
    task = task.id, attempt = n, agent = backend.name, version = entry.version, log = log,
  })

  local collector = collect.new(backend, totals_of(task, opts.session), function(event, state)
    if event.type == "usage" then charge(run, task, meter, state) end
    hooks.call(run, "on_event", event, task, run)
    run.view(task, event)
    if entry.session == state.session then return end
    entry.session = state.session -- now, so that it is known also when we are killed
    M.record(project, task, entry)
  end, place.launch)
  local state, before = collector.state, tripwire.before(project, task)
  local result
  result, entry.ending = process(run, task, opts, place, collector, meter)
  tripwire.after(project, task, before)
  finish(run, task, entry, state, result)
  say_unknown(run, entry, state)
  local outcome = {
    ok = entry.ending == "done", ending = entry.ending, text = collector:text(), state = state,
    reason = reason_of(state, result), exit_code = result.code, bound = result.bound, log = log,
    session = state.session, over = state.over, entry = entry,
  }
  if outcome.ok and opts.phase == "execute" and project.config.completion == "explicit" and not state.claimed then
    outcome.ok = false
    outcome.feedback = "It ended without saying that the task is done: agentlua task done " .. task.id
    outcome.reason = outcome.feedback
  end
  hooks.call(run, "on_result", outcome, task, run)
  return outcome
end

return M
