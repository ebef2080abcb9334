-- agentlua.loop: p:loop{}, which claims tasks and has them worked on until nothing can run. A run has one loop
-- or several side by side, which share its record, its orders and its budget.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"
local limit = require "agentlua.limit"
local preview = require "agentlua.run.preview"
local remains = require "agentlua.run.remains"
local resets = require "agentlua.run.resets"
local runs = require "agentlua.run"
local state = require "agentlua.state"
local view = require "agentlua.view"
local waits = require "agentlua.limit.waiting"
local work = require "agentlua.run.work"
local workflows = require "agentlua.task.workflows"

local M = {}

-- What the loops of a run know while it goes on, also run/work.lua and run/remains.lua: a list of the loops; project,
-- run, workflows; only = id of the one task; full: --max-tasks have begun; bug: an error of the script; trouble: the
-- exit code is 1; damaged: files were set aside; contended: somebody had hold of a task; said: the deadlock.
local loops_type = {}
loops_type.__index = loops_type

-- Seconds after which it is looked again although nothing has changed: a `not_before` may have come; and when
-- somebody had hold of a task.
local longest_rest, shortest_rest = 60, 0.05

-- The next task, of the first loop that has one and a free place.
function loops_type:claim()
  local run, options = self.run, self.project.options
  local counts = run.record.counts
  self.contended = false
  for _, loop in ipairs(self) do
    local task, message, code
    if loop.busy < loop.jobs then
      local exclude = self.workflows:exclude(loop.from, loop.waiting:exclude(loop.seen))
      task, message, code = self.project.store:claim {
        from = loop.from, to = loop.to, id = self.only, exclude = exclude,
      }
      self.contended = self.contended or not task and self.project.store:was_contended()
    end
    if code then self.bug = self.bug or errors.new(code, message, counts.started == 0 and 2 or 1) end
    if task then
      counts.started = counts.started + 1
      self.full = options.max_tasks and counts.started >= options.max_tasks
      run:event("task_claimed", { task = task.id, from = task.claimed_from, to = loop.to })
      return loop, task
    end
  end
end

-- Why the run should end now, or nil.
function loops_type:ending()
  if self.run.stopping then return self.run.stopping == "budget" and "budget" or "stopped" end
  if self.bug then return "error" end
  local many = self.run.record.counts.failed_in_a_row >= self.project.config.max_failures
  if many or self.workflows.over then return "failures" end
end

-- Seconds until a task that waits may be claimed, nil: none waits; and all that wait, by id.
function loops_type:wait_left()
  local least, all = nil, {}
  for _, loop in ipairs(self) do
    local left = loop.waiting:next(self.only)
    least = left and math.min(left, least or math.huge) or least
    for id, seconds in pairs(loop.waiting.left) do all[id] = seconds end
  end
  return least, all
end

-- Nothing can be claimed now: waits for a change. Returns the reason to end when none will come. `busy`: tasks are
-- worked on.
function loops_type:rest(bell, busy)
  if self.contended then return bell:wait(shortest_rest) end
  local project, unsettled, found = self.project, 0, false
  local left, ids = self:wait_left()
  self.run.progress:prune(ids)
  if not busy then unsettled, found = resets.quarantine(self.run) end
  self.damaged = self.damaged or found
  local patient = left and left <= project.config.limits.max_wait
  if busy or unsettled > 0 or project.options.watch or patient then
    if not busy and not left and unsettled == 0 then remains.report(self, true) end
    local soon = math.min(left and limit.after(left) or longest_rest, unsettled > 0 and unsettled or longest_rest)
    return bell:wait(math.min(soon, longest_rest))
  end
  if found then return nil end -- what was set aside may have been in the way of another task
  return left and "limit" or "drained"
end

-- Claims and works until nothing can run; returns the reason of the end.
function loops_type:drain()
  local project, run, bell = self.project, self.run, fiber.bell()
  resets.recover(run)
  resets.revive(project)
  local group <close> = fiber.group()
  local watch <close> = project.store:watch(function() bell:ring() end)
  local guard <close> = state.watch(function() bell:ring() end)
  for _, loop in ipairs(self) do loop.waiting = waits.new(run, loop.from) end
  run.on_stop = function() bell:ring() end
  local function work_on(loop, task)
    fiber.current().name = ("task %s '%s'"):format(fields.id8(task), core.text.printable(task.name))
    local ring <close> = setmetatable({}, { __close = function()
      loop.busy = loop.busy - 1
      bell:ring()
    end })
    work.on(self, loop, task)
  end
  local reason
  repeat
    reason = self:ending() or run.budget.exhausted() and "budget"
    local loop, task
    if not reason and not self.full and not run.paused then loop, task = self:claim() end
    if task then
      loop.busy = loop.busy + 1
      group:spawn(work_on, loop, task)
    elseif not reason and (run.paused or self.full and group.count > 0) then
      bell:wait()
    elseif not reason and self.full then
      reason = "max_tasks"
    elseif not reason and not self.bug then
      reason = self:rest(bell, group.count > 0)
    end
  until reason
  group:wait()
  if self.bug then error(self.bug, 0) end
  return reason == "drained" and remains.report(self) or self:ending() or reason
end

function loops_type:exit_code(reason)
  local run = self.run
  if run.signal then return 128 + run.signal end
  if self.damaged then return 4 end
  if run.record.counts.failed > 0 or self.trouble or reason == "failures" then return 1 end
  return reason == "deadlock" and 3 or 0
end

local function main(self)
  local project = self.project
  resets.preflight(project)
  if project.options.task then self.only = errors.check_usage(project.store:get(project.options.task)).id end
  if project.options.dry_run then
    local result
    for _, loop in ipairs(self) do result = preview.show(project, loop.from, loop.to, self.only) end
    return result
  end
  local run = runs.start(project)
  self.run, project.run = run, run
  run.view = view.events(project.options)
  local listening <close> = run:listen()
  local watchers <close> = fiber.group()
  watchers:spawn(run.progress.follow, run.progress, 1, function() run:save() end)
  watchers:spawn(view.follow, run.progress)
  local ok, reason = errors.try(self.drain, self)
  local code = ok and self:exit_code(reason) or reason.exit
  watchers:cancel()
  run:finish(ok and reason or "error", code)
  project.run = nil
  if not ok then error(reason, 0) end
  view.summary(run.record)
  return { reason = reason, code = code, counts = run.record.counts, run = run.id }
end

--- Claims tasks and has each worked on in a fiber of its own, `jobs` at once, until nothing can run.
--- Options: from = status or list, the preferred one first; to = status while it is worked on;
--- work(task, run) -> result of land() or give_up(); jobs = tasks at once, when fewer than the run may have.
--- A list of such tables is several loops side by side, each with places of its own; earlier ones come first.
---@return { reason: string, code: integer, counts: table, run: string }
function M.loop(project, opts)
  local most = project.options.jobs or project.config.jobs
  local self = setmetatable({ project = project, workflows = workflows.new(project) }, loops_type)
  for i, one in ipairs(opts.work and { opts } or opts) do
    local from = type(one.from) == "table" and one.from or { one.from }
    self[i] = {
      from = core.json.array(from), to = one.to, work = one.work, jobs = math.min(one.jobs or most, most), busy = 0,
      seen = {},
    }
  end
  return fiber.run(main, self)
end

return M
