-- agentlua.run.orders: what a run does on the orders in its control file, {op, task?, ...}; one function each,
-- (run, order). Agents can write to that file, too.

local task_fields = require "agentlua.fields"

local M = {}

function M.stop(run, order)
  if not order.task then return run:stop("stop") end
  local task = run.progress:task(order.task)
  if not task then return end
  task.stop_wanted = true
  for child, whose in pairs(run.children) do
    if whose == task then child:stop() end
  end
end

-- Pauses what works on one task, or all that runs; or has it go on.
local function set_paused(run, order, paused)
  if not order.task then run.paused = paused end
  for id, task in pairs(run.progress.tasks) do
    if not order.task or order.task == id then
      task.paused = paused
      run.progress:set(task, { paused = paused })
    end
  end
  for child, task in pairs(run.children) do
    if not order.task or order.task == task.id then
      if paused then child:pause() else child:resume() end
    end
  end
  if run.on_stop then run.on_stop() end
end
function M.pause(run, order) set_paused(run, order, true) end
function M.resume(run, order)
  local task = run.progress:task(order.task)
  if task then task.stop_wanted = nil end -- it goes back without being held
  set_paused(run, order, false)
end

-- What was said is in the task already. Its agent is ended, to hear it at once.
function M.say(run, order)
  local task = order.urgent and run.progress:task(order.task)
  if not task then return end
  task.interrupted = true
  if run.agents[task.id] then run.agents[task.id]:stop() end
end

-- What an agent says that it is doing (steering_heartbeat).
function M.heartbeat(run, order)
  local function text(value) return type(value) == "string" and value:sub(1, 500) or nil end
  run:event("heartbeat", {
    task = text(order.task), status = text(order.status), next_action = text(order.next_action),
  })
end

-- Whether a claim is one that agentlua writes: the agent can write to that file, too.
local function is_claim(order)
  local good = type(order.task) == "string"
  for part, field in pairs {
    questions = "pending_questions", split_proposal = "split_proposal", analysis = "analysis",
  } do
    local value = order[part]
    good = good and (value == nil or type(value) == "table" and not task_fields.problem(field, value))
  end
  return good and not (order.questions and #order.questions == 0)
end

-- What an agent says last of its task counts; what it asks adds up.
function M.claim(run, order)
  if not is_claim(order) then return end
  local before = run.claims[order.task]
  if before and before.questions and order.questions then
    table.move(order.questions, 1, #order.questions, #before.questions + 1, before.questions)
  else
    run.claims[order.task] = order
  end
end

return M
