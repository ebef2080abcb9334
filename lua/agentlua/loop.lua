-- agentlua.loop: p:loop{}, which claims tasks and has them worked on until nothing can run.

local agent = require "agentlua.agent"
local attempts = require "agentlua.attempts"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local hooks = require "agentlua.hooks"
local launch = require "agentlua.launch"
local limit = require "agentlua.limit"
local preview = require "agentlua.preview"
local questions = require "agentlua.questions"
local runs = require "agentlua.run"
local sandbox = require "agentlua.sandbox"
local state = require "agentlua.state"
local view = require "agentlua.view"
local waits = require "agentlua.waiting"

local M = {}

-- Task failures that are the person's to look at, not the run's.
local waiting = { ["needs-input"] = true, ["needs-review"] = true }

-- What a loop knows while it runs.
local loop_type = {}
loop_type.__index = loop_type

--- A file that cannot be read is set aside once it has been left alone for this long: editors write
--- in steps.
local quiet_seconds = 1

-- Seconds after which it is looked again although nothing has changed: a `not_before` may have come.
local longest_rest = 60

-- ---- before the first task ----------------------------------------------------------------------------

-- Everything that would stop every task is found before one is claimed.
local function preflight(project)
  project:base()
  project:check_branches()
  errors.check_usage(project:repo():identity())
  for _, backend in ipairs(project:agents_for()) do
    launch.permission(backend, project.options.permission)
    agent.version(backend)
  end
  sandbox.check(project)
end

function loop_type:recover()
  self.project:sweep()
  for _, task in ipairs(errors.check(self.project.store:recover())) do
    local status = self.project:recover_task(task)
    self.project.store:release(task.id)
    if status == "failed" then self.run.record.counts.failed = self.run.record.counts.failed + 1 end
    view.say(("recovered '%s': %s"):format(task.name, status))
  end
  self.project:recover_refs()
  self.project:settle_reviews()
end

-- Failed tasks that the configuration gives another chance; never more than three.
function loop_type:revive()
  local project = self.project
  local most = math.min(project.config.revive, 3)
  for _, task in ipairs(most > 0 and errors.check(project.store:list "failed") or {}) do
    local times = math.tointeger(task.revived) or 0
    if times < most and not project.store:is_owned(task.id) then
      project:move(task, questions.resume_status(task), { revived = times + 1, recoveries = 0 })
      view.say(("revived '%s', time %d"):format(task.name, times + 1))
    end
  end
end

-- Seconds until a file that cannot be read may be set aside; and whether one was just now.
function loop_type:quarantine()
  local left, found = 0, false
  for _, problem in ipairs(errors.check(self.project.store:problems())) do
    if not problem.damaged then -- it could only not be read just now
      io.stderr:write("agentlua: ", core.text.printable(problem.reason), "\n")
    elseif problem.age < quiet_seconds then
      left = math.max(left, quiet_seconds - problem.age)
    elseif self.project.store:quarantine(problem) then
      self.damaged, found = true, true
      self.run:event("quarantined", { file = problem.status .. "/" .. problem.file, reason = problem.reason })
      io.stderr:write(("agentlua: set aside in %s/.quarantine: %s\n"):format(self.project.tasks_dir,
        core.text.printable(problem.reason)))
    end
  end
  return left, found
end

-- ---- one task -----------------------------------------------------------------------------------------

-- The run as `work` sees it. What the task has to wait for is noted in `kept`.
local function run_view(run, task, kept)
  return setmetatable({
    task = task,
    attempts = function(_, opts)
      local result = attempts.run(run, task, opts)
      kept.wait = result.wait
      return result
    end,
  }, { __index = run, __newindex = run })
end

-- A task is back where it came from, and it is as if it had not been claimed.
function loop_type:defer(task, wait)
  local counts = self.run.record.counts
  counts.started, self.full = counts.started - 1, false
  self.waiting:put(task, wait)
  local held = limit.all()[wait.account] or {}
  self.run.progress:waits(task, wait.account, wait.seconds and core.time.now() + wait.seconds or held.resets_at)
  view.say(("%s  waits"):format(task.id8 or ""), "dim")
  self.run:save()
end

function loop_type:work_on(task)
  local project, run, counts = self.project, self.run, self.run.record.counts
  local kept = {}
  local _ <close> = run.progress:begin(task)
  view.say(("%s  %s"):format(task.id8 or core.text.id8(task.id), task.name), "start")
  hooks.call(run, "on_task_start", task, run)
  local ok, result = errors.try(self.work, task, run_view(run, task, kept))
  if not ok and errors.is(result) and result.code ~= "ESCRIPT" then
    view.say(task.name .. ": " .. result.message, "error")
    ok, result = errors.try(project.give_up, project, task, nil, { ending = "done", reason = result.message })
  end
  if not ok then -- a bug in the script: the task is not to blame, and the run is over
    self.bug = self.bug or result
    errors.try(project.put_back, project, task)
    run:stop "error"
  end
  if task.status == self.to then result = project:put_back(task) end
  project.store:release(task.id)
  if ok and kept.wait and task.status == task.claimed_from then return self:defer(task, kept.wait) end
  self.seen[#self.seen + 1] = task.id
  result = type(result) == "table" and not errors.is(result) and result or {}
  if task.status == "failed" then
    counts.failed, self.failures_in_a_row = counts.failed + 1, self.failures_in_a_row + 1
  elseif waiting[task.status] then
    counts.waiting = counts.waiting + 1
  elseif not run.stopping then
    counts.done, self.failures_in_a_row = counts.done + 1, 0
  end
  self.refused = self.refused or result.refused
  local reason = result.reason and ": " .. tostring(result.reason) or ""
  view.say(("%s  %s%s"):format(task.id8 or "", task.status, reason), "end")
  run:save()
end

-- ---- the loop -----------------------------------------------------------------------------------------

function loop_type:claim()
  local run, options = self.run, self.project.options
  local counts = run.record.counts
  local task, message, code = self.project.store:claim {
    from = self.from, to = self.to, id = self.only, exclude = self.waiting:exclude(self.seen),
  }
  if code then self.bug = self.bug or errors.new(code, message, counts.started == 0 and 2 or 1) end
  if not task then return nil end
  counts.started = counts.started + 1
  self.full = options.max_tasks and counts.started >= options.max_tasks
  run:event("task_claimed", { task = task.id, from = task.claimed_from, to = self.to })
  return task
end

-- Why the run should end now, or nil.
function loop_type:ending()
  if self.run.stopping then return self.run.stopping == "budget" and "budget" or "stopped" end
  if self.bug then return "error" end
  if self.failures_in_a_row >= self.project.config.max_failures then return "failures" end
end

-- Nothing can be claimed now: waits for a change. Returns the reason to end when none will come. `busy`: tasks are
-- worked on.
function loop_type:rest(bell, busy)
  local project, unsettled, found = self.project, 0, false
  local left = self.waiting:next(self.only)
  self.run.progress:prune(self.waiting.left)
  if not busy then unsettled, found = self:quarantine() end
  local patient = left and left <= project.config.limits.max_wait
  if busy or unsettled > 0 or project.options.watch or patient then
    local soon = math.min(left and limit.after(left) or longest_rest, unsettled > 0 and unsettled or longest_rest)
    return bell:wait(math.min(soon, longest_rest))
  end
  if found then return nil end -- what was set aside may have been in the way of another task
  return left and "limit" or "drained"
end

-- Claims and works until nothing can run; returns the reason of the end.
function loop_type:drain()
  local project, run, bell = self.project, self.run, fiber.bell()
  local jobs = project.options.jobs or project.config.jobs
  self:recover()
  self:revive()
  local group <close> = fiber.group { limit = jobs }
  local watch <close> = project.store:watch(function() bell:ring() end)
  local guard <close> = state.watch(function() bell:ring() end)
  self.waiting = waits.new(run, self.from)
  run.on_stop = function() bell:ring() end
  local function work(task)
    fiber.current().name = ("task %s '%s'"):format(task.id8 or core.text.id8(task.id), core.text.printable(task.name))
    local ring <close> = setmetatable({}, { __close = function() bell:ring() end })
    self:work_on(task)
  end
  local reason
  repeat
    reason = self:ending() or run.budget.exhausted() and "budget"
    local task = not reason and not self.full and not run.paused and group.count < jobs and self:claim()
    if task then
      group:spawn(work, task)
    elseif not reason and (run.paused or group.count >= jobs or self.full and group.count > 0) then
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

-- What remains when nothing can run: "deadlock" when none of it ever can.
function loop_type:left_over()
  local blocked = errors.check(self.project.store:next(self.from)).blocked
  local never = 0
  for _, task in ipairs(blocked) do
    if task.kind == "ever" then never = never + 1 end
  end
  local stuck = #blocked > 0 and never == #blocked
  for _, task in ipairs(blocked) do
    for _, why in ipairs(task.reasons) do
      local line = ("'%s' cannot run%s: %s"):format(task.name, task.kind == "ever" and "" or " yet", why.text)
      if stuck then io.stderr:write("agentlua: ", core.text.printable(line), "\n") else view.say(line) end
    end
  end
  return stuck and "deadlock" or "drained"
end

function loop_type:exit_code(reason)
  local run = self.run
  if run.signal then return 128 + run.signal end
  if self.damaged then return 4 end
  if run.record.counts.failed > 0 or self.refused or reason == "failures" then return 1 end
  return reason == "deadlock" and 3 or 0
end

local function main(self)
  local project = self.project
  preflight(project)
  if project.options.task then self.only = errors.check_usage(project.store:get(project.options.task)).id end
  if project.options.dry_run then return preview.show(project, self.from, self.to, self.only) end
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
--- work(task, run) -> result of land() or give_up().
---@return { reason: string, code: integer, counts: table, run: string }
function M.loop(project, opts)
  local from = type(opts.from) == "table" and opts.from or { opts.from }
  local self = setmetatable({
    project = project, from = core.json.array(from), to = opts.to, work = opts.work, seen = {}, failures_in_a_row = 0,
  }, loop_type)
  return fiber.run(main, self)
end

return M
