-- agentlua.attempt: one agent process on one task, from its prompt to its ending.

local agents = require "agentlua.agent"
local budget = require "agentlua.budget"
local collect = require "agentlua.attempt.collect"
local core = require "agentlua.core"
local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"
local hooks = require "agentlua.hooks"
local launcher = require "agentlua.attempt.launch"
local outcome = require "agentlua.attempt.outcome"
local sandbox = require "agentlua.attempt.sandbox"
local servers = require "agentlua.mcp.servers"
local tripwire = require "agentlua.attempt.tripwire"
local whispers = require "agentlua.attempt.whispers"

local M = {}

-- Seconds that an agent may take to leave after its final record; a backend may say otherwise.
local linger = 30

-- Bytes of the end of stderr that are looked at.
local stderr_tail = 8192

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

local function build(run, task, opts, dir, n)
  local project = run.project
  return launcher.build(opts.agent, {
    prompt = opts.prompt, dir = dir, session = opts.session,
    mcp = servers.of(project, environment.of(run, task, opts.agent.env), n, opts.phase),
    model = project:model_of(task, opts.agent), permission = project.options.permission,
  })
end

-- Starts the process in its surroundings, when somebody is logged in; its output goes to files of the attempt.
local function start(run, task, opts, launch, files)
  local config, options = run.project.config, launch.argv
  options.cwd, options.stdin, options.env = opts.cwd, launch.stdin, environment.of(run, task, launch.env)
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
  local box = sandbox.launcher(run, task, opts.cwd, options[1], launch.state)
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

-- Writes the prompt and the first record of an attempt.
local function prepare(run, task, opts)
  local project, backend, n = run.project, opts.agent, #(task.attempts or {}) + 1
  local dir = run.dir .. "/" .. fields.id8(task)
  local place = { dir = dir, files = ("%s/%d."):format(dir, n) }
  place.log = place.files .. "stream.jsonl"
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
  outcome.record(project, task, entry)
  run.progress:attempt(task, n, backend.name)
  run:event("attempt_started", {
    task = task.id, attempt = n, agent = backend.name, version = entry.version, log = place.log,
  })
  return place, entry
end

--- Runs the agent once. Options: prompt, cwd, agent, phase, session = to resume, budget = amounts that lower that
--- of an attempt, lease = of rate.admit(), timeout = seconds instead of those of config.lua. When the session is
--- not known any more, state.error.code is "no_session": start anew with the whole prompt. Raises EINVAL for a mode
--- of permission that the agent does not have.
---@return table result {ok, ending, text, state, reason, exit_code, bound, log, session, over = a reached budget,
--- entry = what is kept of it in the task; none when it was not started}
function M.run(run, task, opts)
  local meter = run.budget.meter(task, opts.budget)
  local _ <close> = setmetatable({}, { __close = meter.close })
  local spent = meter.take { tokens_in = 0, tokens_out = 0, turns = 0 }
  if spent then
    return { ok = false, ending = "budget", over = spent, text = "", state = {}, reason = budget.describe(spent) }
  end
  local place, entry = prepare(run, task, opts)
  local collector = collect.new(opts.agent, outcome.totals(task, opts.session), function(event, state)
    if event.type == "usage" then charge(run, task, meter, state) end
    hooks.call(run, "on_event", event, task, run)
    run.view(task, event)
    if entry.session == state.session then return end
    entry.session = state.session -- now, so that it is known also when we are killed
    outcome.record(run.project, task, entry)
  end, place.launch)
  local before = tripwire.before(run.project, task)
  local result
  result, entry.ending = process(run, task, opts, place, collector, meter)
  tripwire.after(run.project, task, before)
  outcome.finish(run, task, entry, collector.state, result)
  local said = outcome.of(run, task, opts, entry, collector, result)
  said.log = place.log
  hooks.call(run, "on_result", said, task, run)
  return said
end

return M
