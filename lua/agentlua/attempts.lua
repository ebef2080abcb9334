-- agentlua.attempts: runs an agent on a task until it says done, at most so many times.

local agent = require "agentlua.agent"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local limit = require "agentlua.limit"
local resource = require "agentlua.resource"
local tripwire = require "agentlua.tripwire"

local M = {}

-- Variables that point git at a repository (git rev-parse --local-env-vars): not for the agent.
local git_variables = {
  "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
  "GIT_NAMESPACE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE",
}

--- Surroundings of a process that works on a task.
function M.environment(project, run, task, more)
  local settings, env = project.config.env, {}
  if settings.only then
    local keep = {}
    for _, name in ipairs(settings.only) do keep[name] = true end
    for _, entry in ipairs(core.fs.environment()) do
      local name = entry:match("^([^=]*)=")
      if not keep[name] then env[name] = false end
    end
  end
  for _, name in ipairs(settings.drop or {}) do env[name] = false end
  for _, name in ipairs(git_variables) do env[name] = false end
  for name, value in pairs(settings.set or {}) do env[name] = value end
  for name, value in pairs(more or {}) do env[name] = value end
  env.AGENTLUA_ROOT, env.AGENTLUA_TASKS = project.root, project.tasks_dir
  env.AGENTLUA_RUN_ID, env.AGENTLUA_TASK_ID = run.id, task.id
  env.AGENTLUA_ATTEMPT = tostring(#(task.attempts or {}))
  env.AGENTLUA_BASE = task.worktree and task.worktree.base or false
  if project.identity then -- so that reflogs tell what an agent has moved
    env.GIT_COMMITTER_NAME = tripwire.mover(project.identity, task)
    env.GIT_CONFIG_COUNT, env.GIT_CONFIG_KEY_0, env.GIT_CONFIG_VALUE_0 = "1", "core.logAllRefUpdates", "always"
  end
  local host = resource.host()
  env.AGENTLUA_BIN = host or false
  if host then env.PATH = host:match("^(.*)/[^/]+$") .. ":" .. (os.getenv "PATH" or "") end
  return env
end

-- What the events of an attempt add up to.
local function collector(view)
  local state = { text = {}, turns = 0, tokens = 0, cost = 0 }
  local take = {}
  function take.text(e) state.text[#state.text + 1] = e.text end
  function take.session(e) state.session = e.id end
  function take.usage(e)
    state.turns = state.turns + 1
    state.tokens = state.tokens + (e.tokens_in or 0) + (e.tokens_out or 0)
    state.cost = state.cost + (e.cost or 0)
  end
  function take.limit(e) state.limit = e end
  function take.auth(e) state.auth = e end
  function take.error(e) state.error = e end
  function take.question(e) state.question = e end
  function take.result(e) state.final = e end
  return state, function(event)
    if take[event.type] then take[event.type](event) end
    view(event)
  end
end

local function record(project, task, entry)
  local attempts = core.json.array(task.attempts or {})
  attempts[entry.n] = entry
  task.attempts = attempts
  errors.check(project.store:update(task.id, { attempts = attempts }))
end

local function tail(text, bytes) return #text > bytes and "..." .. text:sub(-bytes) or text end

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

-- Seconds that an agent may take to leave after its final record; a backend may say otherwise.
local linger = 30

-- One agent process, from its prompt to its ending.
local function attempt(run, task, opts, prompt)
  local project, backend = run.project, opts.agent
  local n = #(task.attempts or {}) + 1
  local dir = run.dir .. "/" .. (task.id8 or core.text.id8(task.id))
  local files = ("%s/%d."):format(dir, n)
  errors.check(core.fs.mkdir(dir))
  errors.check(core.fs.write { path = files .. "prompt.md", content = prompt })
  local entry = { n = n, run = run.id, agent = backend.name, phase = opts.phase, started_at = core.time.iso() }
  record(project, task, entry)
  run:event("attempt_started", { task = task.id, attempt = n, agent = backend.name, log = files .. "stream.jsonl" })

  local state, take = collector(function(event) run.view(task, event) end)
  local argv = agent.argv(backend)
  argv.cwd, argv.stdin, argv.env = opts.cwd, prompt, M.environment(project, run, task, backend.env)
  argv.stdout_file, argv.stderr, argv.stderr_file = files .. "stream.jsonl", "file", files .. "stderr"
  local config = project.config
  argv.timeout, argv.idle, argv.start = config.timeouts.wall, config.timeouts.idle, config.timeouts.start
  argv.memory, argv.processes, argv.output = config.bounds.memory, config.bounds.processes, config.bounds.output
  argv.launcher = config.launcher
  local before = tripwire.before(project)
  local child <close>, message, code = run:spawn(task, argv)
  local result, ending
  if child then
    for line in child:lines() do
      take(backend.decode(line))
      if state.final then child:expect_end(backend.linger or linger) end
    end
    result = child:wait()
    run:forget(child)
    take_claim(run, task, state)
    ending = backend.classify(state, result, run.stopping or task.stop_wanted)
  else
    result, ending = { code = -1, signal = 0, error = message, error_code = code }, "crashed"
  end
  local text = state.final and state.final.text or table.concat(state.text, "\n")
  entry.ended_at, entry.ending, entry.session = core.time.iso(), ending, state.session
  entry.bound, entry.exit_code, entry.error = result.bound, result.code, result.error
  record(project, task, entry)
  tripwire.after(project, task, before)
  run:event("attempt_ended", {
    task = task.id, attempt = n, agent = backend.name, ending = ending, bound = result.bound,
    session = state.session, turns = state.turns, tokens = state.tokens, cost = state.cost,
    seconds = result.seconds, exit_code = result.code, containment = result.containment,
    lingered = result.lingered, log_error = result.log_error,
  })
  return {
    ok = ending == "done", ending = ending, text = text, state = state, log = files .. "stream.jsonl",
    reason = result.error or (core.fs.read(files .. "stderr") or ""):match("([^\n]*)\n*$"), exit_code = result.code,
    bound = result.bound,
  }
end

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
      result = attempt(run, task, opts, prompt)
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
      and result.ending ~= "auth" and result.ending ~= "refused"
    if not again then return result end
    if result.ending ~= "limit" then prompt = with_failure(opts.prompt, #task.attempts, result) end
  end
end

return M
