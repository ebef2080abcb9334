-- agentlua.loop: p:loop{}, which claims tasks and has them worked on until nothing can run. A run has one loop
-- or several side by side, which share its record, its orders and its budget.

local attempts = require "agentlua.attempts"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"
local hooks = require "agentlua.hooks"
local limit = require "agentlua.limit"
local preview = require "agentlua.run.preview"
local resets = require "agentlua.run.resets"
local runs = require "agentlua.run"
local state = require "agentlua.state"
local view = require "agentlua.view"
local waits = require "agentlua.limit.waiting"
local workflows = require "agentlua.task.workflows"

local M = {}

-- Where the counts of a run have a task that has ended; else it is done as far as its loop goes.
local counted = {
  failed = "failed", skipped = "skipped", ["needs-input"] = "waiting", ["needs-review"] = "waiting",
}

-- What the loops of a run know while it goes on.
local loops_type = {}
loops_type.__index = loops_type

-- Seconds after which it is looked again although nothing has changed: a `not_before` may have come; and when
-- somebody had hold of a task.
local longest_rest, shortest_rest = 60, 0.05

-- ---- one task -----------------------------------------------------------------------------------------

-- The run as `work` sees it. What the task has to wait for is noted in `kept`.
local function run_view(run, loop, task, kept)
  return setmetatable({
    task = task,
    attempts = function(_, opts)
      opts.phase = opts.phase or (loop.to == "analysing" and "analyse" or "execute")
      local result = attempts.run(run, task, opts)
      kept.wait = result.wait
      return result
    end,
  }, { __index = run, __newindex = run })
end

-- It is as if the task had not been claimed, as far as --max-tasks goes.
function loops_type:uncount()
  local counts = self.run.record.counts
  counts.started, self.full = counts.started - 1, false
end

-- A task is back where it came from, until what it waits for is there.
function loops_type:defer(loop, task, wait)
  self:uncount()
  loop.waiting:put(task, wait)
  local held = limit.all()[wait.account] or {}
  self.run.progress:waits(task, wait.account, wait.seconds and core.time.now() + wait.seconds or held.resets_at)
  view.say(("%s  waits"):format(task.id8 or ""), "dim")
  self.run:save()
end

function loops_type:count(task)
  local counts = self.run.record.counts
  local place = counted[task.status] or not self.run.stopping and "done"
  if not place then return end
  counts[place] = counts[place] + 1
  if place == "done" then counts.failed_in_a_row = 0 end
  if place ~= "failed" then return end
  counts.failed_in_a_row = counts.failed_in_a_row + 1
  self.workflows:failed(task)
end

function loops_type:work_on(loop, task)
  local project, run, kept = self.project, self.run, {}
  local _ <close> = run.progress:begin(task)
  view.say(("%s  %s"):format(fields.id8(task), task.name), "start")
  hooks.call(run, "on_task_start", task, run)
  local ok, result = errors.try(loop.work, task, run_view(run, loop, task, kept))
  if not ok and errors.is(result) and result.code ~= "ESCRIPT" then
    local stopped = result.code == "ESTOPPED"
    if not stopped then view.say(task.name .. ": " .. result.message, "error") end
    ok, result = errors.try(project.give_up, project, task, nil, {
      ending = stopped and "stopped" or "done", reason = result.message,
    })
  end
  if not ok then -- a bug in the script: the task is not to blame, and the run is over
    self.bug = self.bug or result
    errors.try(project.put_back, project, task)
    run:stop "error"
  end
  if task.status == loop.to then result = project:put_back(task) end
  project.store:release(task.id)
  local back = task.status == task.claimed_from
  if ok and kept.wait and back then return self:defer(loop, task, kept.wait) end
  if back and not task.stop_wanted then loop.seen[#loop.seen + 1] = task.id end -- not again and again
  result = type(result) == "table" and not errors.is(result) and result or {}
  if result.promoted then self:uncount() else self:count(task) end
  self.trouble = self.trouble or result.refused or result.trouble
  local reason = result.reason and ": " .. tostring(result.reason) or ""
  view.say(("%s  %s%s"):format(task.id8 or "", task.status, reason), "end")
  run:save()
end

-- ---- the loops ----------------------------------------------------------------------------------------

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
    if not busy and not left and unsettled == 0 then self:left_over(true) end
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
  local function work(loop, task)
    fiber.current().name = ("task %s '%s'"):format(fields.id8(task), core.text.printable(task.name))
    local ring <close> = setmetatable({}, { __close = function()
      loop.busy = loop.busy - 1
      bell:ring()
    end })
    self:work_on(loop, task)
  end
  local reason
  repeat
    reason = self:ending() or run.budget.exhausted() and "budget"
    local loop, task
    if not reason and not self.full and not run.paused then loop, task = self:claim() end
    if task then
      loop.busy = loop.busy + 1
      group:spawn(work, loop, task)
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
  return reason == "drained" and self:left_over() or self:ending() or reason
end

-- What remains when nothing can run: "deadlock" when none of it ever can, which is said once. `quiet`: the rest is
-- not said.
function loops_type:left_over(quiet)
  local from, never = core.json.array(), 0
  for _, loop in ipairs(self) do table.move(loop.from, 1, #loop.from, #from + 1, from) end
  local blocked = self.workflows:only_ours(errors.check(self.project.store:next(from)).blocked)
  local lines = {}
  for _, task in ipairs(blocked) do
    if task.kind == "ever" then never = never + 1 end
    for _, why in ipairs(task.reasons) do
      lines[#lines + 1] = ("'%s' cannot run%s: %s"):format(task.name, task.kind == "ever" and "" or " yet", why.text)
    end
  end
  local stuck = #blocked > 0 and never == #blocked
  if not stuck then
    for _, line in ipairs(quiet and {} or lines) do view.say(line) end
    return "drained"
  end
  local said = table.concat(lines, "\n")
  if said ~= self.said then
    errors.warn((said:gsub("\n", "\nagentlua: ")))
    self.run:event("deadlock", { blocked = core.json.array(lines) })
  end
  self.said = said
  return "deadlock"
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
