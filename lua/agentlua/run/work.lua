-- agentlua.run.work: one task of a loop, from the claim until it is free again; what it counts for.

local attempts = require "agentlua.attempts"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local hooks = require "agentlua.hooks"
local limit = require "agentlua.limit"
local view = require "agentlua.view"

local M = {}

-- Where the counts of a run have a task that has ended; else it is done as far as its loop goes.
local counted = {
  failed = "failed", skipped = "skipped", ["needs-input"] = "waiting", ["needs-review"] = "waiting",
}

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
local function uncount(loops)
  local counts = loops.run.record.counts
  counts.started, loops.full = counts.started - 1, false
end

-- A task is back where it came from, until what it waits for is there.
local function defer(loops, loop, task, wait)
  uncount(loops)
  loop.waiting:put(task, wait)
  local held = limit.all()[wait.account] or {}
  loops.run.progress:waits(task, wait.account, wait.seconds and core.time.now() + wait.seconds or held.resets_at)
  view.say(("%s  waits"):format(task.id8 or ""), "dim")
  loops.run:save()
end

local function count(loops, task)
  local counts = loops.run.record.counts
  local place = counted[task.status] or not loops.run.stopping and "done"
  if not place then return end
  counts[place] = counts[place] + 1
  if place == "done" then counts.failed_in_a_row = 0 end
  if place ~= "failed" then return end
  counts.failed_in_a_row = counts.failed_in_a_row + 1
  loops.workflows:failed(task)
end

--- Has `loop.work` work on a task that `loop` has claimed, sees that it ends somewhere, and lets it go.
function M.on(loops, loop, task)
  local project, run, kept = loops.project, loops.run, {}
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
    loops.bug = loops.bug or result
    errors.try(project.put_back, project, task)
    run:stop "error"
  end
  if task.status == loop.to then result = project:put_back(task) end
  project.store:release(task.id)
  local back = task.status == task.claimed_from
  if ok and kept.wait and back then return defer(loops, loop, task, kept.wait) end
  if back and not task.stop_wanted then loop.seen[#loop.seen + 1] = task.id end -- not again and again
  result = type(result) == "table" and not errors.is(result) and result or {}
  if result.promoted then uncount(loops) else count(loops, task) end
  loops.trouble = loops.trouble or result.refused or result.trouble
  local reason = result.reason and ": " .. tostring(result.reason) or ""
  view.say(("%s  %s%s"):format(task.id8 or "", task.status, reason), "end")
  run:save()
end

return M
