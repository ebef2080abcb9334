-- agentlua.mcp.session: tools for the session that the work belongs to. Inside a run that is the run, which counts by
-- itself; else one that is begun here and kept in runs/session.json.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local lock = require "agentlua.lock"
local phases = require "agentlua.mcp.phases"
local record = require "agentlua.record"
local runs = require "agentlua.run"
local schema = require "agentlua.mcp.schema"
local whispers = require "agentlua.attempt.whispers"

local counters = { "tasks_completed", "tasks_failed", "tasks_skipped", "consecutive_failures" }

-- ---- state ----------------------------------------------------------------------------------------

local function path(p) return p.dir .. "/runs/session.json" end

local function read(p)
  local text = core.fs.read(path(p))
  local state = text and core.json.parse(text)
  if type(state) ~= "table" then return nil, "there is no session; session_initialize begins one", "ENOENT" end
  return state
end

-- The session of the run that we work in.
local function of_run(p, id)
  local run = runs.read(p, id)
  if not run then return nil, "the run '" .. id .. "' is not known", "ENOENT" end
  return {
    session_id = id, session_type = "autonomous", start_time = run.started_at, last_update = run.heartbeat,
    status = run.status, current_task_id = os.getenv "AGENTLUA_TASK_ID",
    tasks_completed = record.number(run, "counts", "done"), tasks_failed = record.number(run, "counts", "failed"),
    tasks_waiting = record.number(run, "counts", "waiting"),
  }
end

local function get(_, context)
  local id = os.getenv "AGENTLUA_RUN_ID"
  if id then return of_run(context.project, id) end
  return read(context.project)
end

-- Changes the session under a lock: change(state) -> the new state | nil, message.
local function update(change)
  return function(args, context)
    if os.getenv "AGENTLUA_RUN_ID" then return nil, "inside a run the session is the run, which counts by itself" end
    local p = context.project
    errors.check(core.fs.mkdir(p.dir .. "/runs"))
    local guard <close> = errors.check(lock(p.dir .. "/runs/session.lock", { wait = 10 }))
    local state, message = change(args, (read(p)))
    if not state then return nil, message or "there is no session; session_initialize begins one" end
    state.last_update = core.time.iso()
    errors.check(core.fs.write { path = path(p), content = core.json.dump(state, 2) .. "\n" })
    return state
  end
end

local function begin(args)
  local now = core.time.iso()
  local state = { session_id = now:sub(1, 19):gsub(":", "-"), session_type = args.session_type, start_time = now,
    status = "running" }
  for _, name in ipairs(counters) do state[name] = 0 end
  return state
end

local function completed(_, state)
  if not state then return nil end
  state.tasks_completed, state.consecutive_failures = (tonumber(state.tasks_completed) or 0) + 1, 0
  return state
end

local function set(args, state)
  for name, value in pairs(state and args or {}) do state[name] = value end
  return state
end

local function stats(args, context)
  local state, message = get(args, context)
  if not state then return nil, message end
  local started = tonumber(core.time.parse_iso(state.start_time or "")) or core.time.now()
  local hours = math.max(core.time.now() - started, 1) / 3600
  local done, failed = tonumber(state.tasks_completed) or 0, tonumber(state.tasks_failed) or 0
  return {
    session_id = state.session_id, status = state.status, runtime_hours = hours, tasks_completed = done,
    tasks_failed = failed, tasks_skipped = state.tasks_skipped, completed_per_hour = done / hours,
    success_rate = done + failed > 0 and done / (done + failed) or nil,
    average_minutes_per_task = done > 0 and 60 * hours / done or nil,
  }
end

-- ---- heartbeat ------------------------------------------------------------------------------------

local function line(text) return text and core.text.printable(text:gsub("\27%[[%d;]*%a", "")):sub(1, 500) or nil end

-- What the operator has said to the task and nobody has been told yet. In a sandbox, where tasks are read-only, it
-- comes with the next prompt instead.
local function unheard(p, id)
  local out, n = core.json.array(), math.tointeger(tonumber(os.getenv "AGENTLUA_ATTEMPT"))
  local ok, list = errors.try(function() return id and n and whispers.take(p, { id = id }, n) end)
  for i, one in ipairs(ok and list or {}) do
    out[i] = { instruction = one.text, priority = one.urgent and "urgent" or "normal", timestamp = one.at }
  end
  return out
end

local function heartbeat(args, context)
  local p, run, task = context.project, os.getenv "AGENTLUA_RUN_ID", os.getenv "AGENTLUA_TASK_ID"
  local said = { task = task, status = line(args.status), next_action = line(args.next_action) }
  if run then
    said.op = "heartbeat"
    errors.check(runs.send(p, run, said))
  else
    p.events:append("heartbeat", said)
  end
  return { success = true, whispers = unheard(p, task) }
end

local none = schema.object {}

return {
  {
    name = "session_initialize", phases = phases.people, run = update(begin), description = "Begins a session.",
    schema = schema.object({
      session_type = schema.one_of({ "autonomous", "manual" }, "who works"),
    }, { "session_type" }),
  },
  {
    name = "session_get_state", phases = phases.both, read_only = true, schema = none, run = get,
    description = "The session: its id, status and counts.",
  },
  {
    name = "session_get_stats", phases = phases.both, read_only = true, schema = none, run = stats,
    description = "How long the session lasts, and how much gets done in it.",
  },
  {
    name = "session_increment_completed", phases = phases.people, schema = none, run = update(completed),
    description = "Counts a task as done in the session; no failures in a row any more.",
  },
  {
    name = "session_update", phases = phases.people, run = update(set), description = "Sets fields of the session.",
    schema = schema.object {
      current_task_id = schema.text "task that is worked on",
      status = schema.one_of({ "running", "paused", "stopped" }, "what it does"),
      auth_method = schema.text "how the agent is paid for", tasks_failed = schema.integer("so far", { minimum = 0 }),
      tasks_skipped = schema.integer("so far", { minimum = 0 }),
      consecutive_failures = schema.integer("in a row", { minimum = 0 }),
    },
  },
  {
    name = "steering_heartbeat", phases = phases.both, run = heartbeat,
    description = "Says what you are doing, between steps, and gives what the operator has to say to you.",
    schema = schema.object({
      status = schema.text("what you are doing", { minLength = 1 }), next_action = schema.text "what comes then",
      session_id = schema.text "not needed", process_id = schema.text "not needed",
    }, { "status" }),
  },
}
