-- agentlua.run: one `agentlua run` on a project: its record, its orders, the processes it has.

local budget = require "agentlua.budget"
local core = require "agentlua.core"
local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local fiber = require "agentlua.fiber"
local hooks = require "agentlua.hooks"
local orders = require "agentlua.run.orders"
local process = require "agentlua.process"
local progress = require "agentlua.run.progress"
local tripwire = require "agentlua.attempt.tripwire"

local M = {}

local run_type = {}
run_type.__index = run_type

local function runs_dir(project) return project.dir .. "/runs" end

--- Starts the record of a run: runs/<id>/run.json, a lock held while it lives, control.jsonl.
function M.start(project)
  local host = core.fs.host {}
  local id = os.date("!%Y%m%d-%H%M%S-") .. core.text.uuid():sub(1, 4)
  local self = setmetatable({
    id = id, project = project, dir = runs_dir(project) .. "/" .. id, offset = 0, claims = {},
    children = {}, agents = {}, progress = progress.new(), -- child -> task; task id -> its agent's child
    record = {
      id = id, pid = host.pid, host = host.name, script = project.options.script, status = "running",
      started_at = core.time.iso(),
      counts = { started = 0, done = 0, failed = 0, skipped = 0, waiting = 0, failed_in_a_row = 0 },
    },
  }, run_type)
  errors.check(core.fs.mkdir(self.dir))
  self.lock = errors.check(core.lock.try(self.dir .. "/run.lock"))
  errors.check(core.fs.append { path = self:control_path(), text = "" })
  self.events = events.open(project.dir .. "/events.jsonl", { run = id })
  self:save()
  self:event("run_started", { script = self.record.script })
  tripwire.arm(project)
  project.identity = errors.check(project:repo():identity())
  self.hooks = hooks.load(project.dir .. "/hooks.lua")
  self.unknown_cost = {} -- names of agents
  self.budget = budget.open(project.config.budget, self.dir, function(over)
    self:event("budget_warning", over)
    errors.warn("nearly used up: " .. budget.describe(over))
  end)
  return self
end

function run_type:control_path() return self.dir .. "/control.jsonl" end
function run_type:event(kind, fields) return self.events:append(kind, fields) end

--- Writes run.json; `changes` are merged into it.
function run_type:save(changes)
  for name, value in pairs(changes or {}) do self.record[name] = value end
  self.record.heartbeat, self.record.tasks = core.time.iso(), self.progress.rows
  return core.fs.write { path = self.dir .. "/run.json", content = core.json.dump(self.record, 2) .. "\n" }
end

-- ---- orders ---------------------------------------------------------------------------------------

--- True when no more is to be done for a task: the run is to stop, or the task.
function run_type:halts(task) return (self.stopping or task.stop_wanted) ~= nil end

--- Asks the run to stop: nothing new starts, what runs is ended by its stop plan.
function run_type:stop(reason)
  if self.stopping then return end
  self.stopping = reason or "stop"
  for child in pairs(self.children) do child:stop() end
  if self.on_stop then self.on_stop() end
end

-- Reads what was appended to the control file since the last time; only whole lines.
function run_type:read_control()
  local text = core.fs.read(self:control_path()) or ""
  local last = text:match("^.*()\n")
  if not last or last <= self.offset then return end
  for line in text:sub(self.offset + 1, last):gmatch("[^\n]+") do
    local order = core.json.parse(line)
    if type(order) == "table" and orders[order.op] then orders[order.op](self, order) end
  end
  self.offset = last
end

local stop_signals = { INT = 2, TERM = 15, HUP = 1 }

--- Obeys signals and the control file until the handle is closed. The first signal stops the run, the
--- next one ends the process at once; what it had started dies with it.
function run_type:listen()
  local handles = {}
  local function close()
    for _, handle in ipairs(handles) do handle.close() end
    handles = {}
  end
  for name, number in pairs(stop_signals) do
    handles[#handles + 1] = fiber.on(name, function()
      close()
      for _, next_one in pairs(stop_signals) do errors.check(core.loop.exit_on_signal(next_one)) end
      self.signal = number
      errors.warn "stopping; once more to stop at once"
      self:stop("signal")
    end, true)
  end
  local control = core.loop.watch_path(self:control_path())
  local orders_of <const> = control and fiber.on_source(control, function() self:read_control() end)
  return setmetatable({}, { __close = function()
    close()
    if orders_of then orders_of.close() end
  end })
end

--- Appends an order to the control file of a run: {op = "stop" | "pause" | "resume" | "say" | "claim", ...}.
function M.send(project, id, order)
  order.time = core.time.iso()
  return core.fs.append {
    path = runs_dir(project) .. "/" .. id .. "/control.jsonl", text = core.json.dump(order) .. "\n",
  }
end

--- The record of a run as it is on disk; nil when there is none.
function M.read(project, id)
  local text = core.fs.read(runs_dir(project) .. "/" .. id .. "/run.json")
  local record = text and core.json.parse(text)
  if type(record) ~= "table" then return nil end
  record.id = id
  return record
end

--- Records of all runs, oldest first, each with `alive`.
function M.list(project)
  local all = {}
  for _, id in ipairs(core.fs.list(runs_dir(project)) or {}) do
    local record = M.read(project, id)
    if record then
      record.alive = core.lock.held(runs_dir(project) .. "/" .. id .. "/run.lock")
      if not record.alive and record.status == "running" then record.status = "died" end
      all[#all + 1] = record
    end
  end
  return all
end

-- Files that a writer has left when it was killed go when they are old enough, which may be with a later run.
local function sweep(dir)
  core.fs.sweep(dir)
  for _, name in ipairs(core.fs.list(dir) or {}) do core.fs.sweep(dir .. "/" .. name) end
end

--- Ends the records of runs that have died; of one that died before it had a record its files go.
function M.bury(project)
  for _, id in ipairs(core.fs.list(runs_dir(project)) or {}) do
    local dir = runs_dir(project) .. "/" .. id
    if not core.fs.stat(dir .. "/run.json") then sweep(dir) end
  end
  for _, record in ipairs(M.list(project)) do
    local dir = record.status == "died" and runs_dir(project) .. "/" .. record.id
    if dir then sweep(dir) end
    if dir and not record.ended_at then
      record.alive, record.ended_at = nil, core.time.iso()
      errors.check(core.fs.write { path = dir .. "/run.json", content = core.json.dump(record, 2) .. "\n" })
    end
  end
end

-- ---- processes --------------------------------------------------------------------------------------

--- Starts a process for a task: it is stopped and paused with the run, and shares the task's lock and those in
--- `hold`.
function run_type:spawn(task, options)
  options.grace = self.project.config.stop_grace
  options.secrets = environment.secrets(self.project)
  options.hold = { errors.check(self.project.store:owner_fd(task.id)), table.unpack(options.hold or {}) }
  local child, message, code = process.spawn(options)
  if not child then return nil, message, code end
  self:adopt(child, task)
  return child
end

--- Stops and pauses a process with the run, until forget().
function run_type:adopt(child, task)
  self.children[child] = task
  local paused = task.paused
  if paused == nil then paused = self.paused end
  if self:halts(task) then child:stop() elseif paused then child:pause() end
end

function run_type:forget(child) self.children[child] = nil end

--- Runs a process of spawn() to its end.
function run_type:command(task, options)
  local child <close>, message, code = self:spawn(task, options)
  if not child then return nil, message, code end
  local result = child:wait()
  self:forget(child)
  return result
end

--- Ends the record: `reason` is one of drained, max_tasks, stopped, deadlock, failures, budget, limit, error.
function run_type:finish(reason, code)
  hooks.call(self, "on_stop", reason, self)
  self.progress:prune {}
  self:event("run_ended", { reason = reason, code = code, counts = self.record.counts })
  self:save { status = "ended", reason = reason, code = code, ended_at = core.time.iso() }
  self.lock:close()
  for _, other in ipairs(M.list(self.project)) do
    if other.alive then return end
  end
  tripwire.disarm(self.project)
end

return M
