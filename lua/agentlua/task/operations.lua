-- agentlua.task.operations: what people and agents do to tasks, one function each, for `agentlua task` and the tools of
-- the MCP server alike. All take a project and raise errors of the user's.
--
-- Inside a run a change of the task that the run works on is only noted: its owner judges it when the agent ends. The
-- result then has `noted`, and a sentence that says so. Result: {status, noted?, ...}.

local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local dotbot = require "agentlua.task.dotbot"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local place = require "agentlua.place"
local plans = require "agentlua.task.plans"
local questions = require "agentlua.task.questions"

local M = {}

--- The task that `key` names, as one to work with.
function M.task(p, key) return fields.sound(errors.check_usage(p.store:get(key))) end

-- Notes a change {to=, ...} for the owner of the task; nil when that is not this run.
local function claim(p, task, change)
  local run = os.getenv "AGENTLUA_RUN_ID"
  if not run or os.getenv "AGENTLUA_TASK_ID" ~= task.id then return nil end
  change.op, change.task = "claim", task.id
  local runs = require "agentlua.run" -- late: it brings much that most commands do not need
  errors.check_usage(runs.send(p, run, change))
  return { status = change.to, noted = "noted: " .. change.to .. "; it is judged when you end" }
end

local function refuse(task, what)
  errors.usage("ESTATE", ("task '%s' is in %s; %s"):format(task.id, task.status, what))
end

local function moved(p, task, to)
  p.events:append("task_moved", { task = task.id, from = task.status, to = to, by = "person" })
  return { status = to }
end

-- Moves a task and lets go of it, should it be ours.
local function move(p, task, to, patch)
  errors.check_usage(p.store:move(task.id, to, patch))
  p.store:release(task.id)
  return moved(p, task, to)
end

-- ---- making ---------------------------------------------------------------------------------------

-- The field that a task of a type cannot do without, and its option.
local needs = {
  script = { "script_path", "--script" }, task_gen = { "script_path", "--script" }, mcp = { "mcp_tool", "--mcp-tool" },
  prompt_template = { "prompt", "--prompt" },
}

--- Adds a task. Its dependencies and parent may be named in any way that names a task.
---@return table task
function M.add(p, task)
  if type(task.name) ~= "string" or not task.name:find "%S" then errors.usage("EINVAL", "a task needs a name") end
  local missing = needs[task.type]
  if missing and not task[missing[1]] and not (task.type == "task_gen" and task.prompt) then
    errors.usage("EINVAL", ("a task of type %s needs %s (%s)"):format(task.type, missing[1], missing[2]))
  end
  local dependencies = core.json.array()
  for i, key in ipairs(task.dependencies or {}) do
    local found = p.store:get(key) or p.store:get(core.text.slug(key)) or errors.check_usage(p.store:get(key))
    dependencies[i] = found.id
  end
  task.dependencies = dependencies
  task.parent_task_id = task.parent_task_id and errors.check_usage(p.store:get(task.parent_task_id)).id or nil
  task.description, task.category = task.description or "", task.category or "feature"
  task.effort, task.type = task.effort or "M", task.type or "prompt"
  task.acceptance_criteria = core.json.array(task.acceptance_criteria or {})
  return errors.check_usage(p.store:add(task))
end

-- ---- working --------------------------------------------------------------------------------------

local from_todo = { todo = true, analysed = true, ["needs-input"] = true, analysing = true }

--- Takes a task in work: `to` is analysing or in-progress. It is owned by this process, and goes back when the process
--- ends before the task does. In a run it has been taken already.
function M.take(p, task, to)
  if task.status == to then return { status = to } end
  local from = to == "analysing" and { "todo", "needs-input" } or { "analysed", "todo" }
  if os.getenv "AGENTLUA_RUN_ID" then refuse(task, "in a run the loop moves it to " .. to) end
  local taken, message, code = p.store:claim { from = from, to = to, id = task.id }
  if code then errors.usage(code, message) end
  if taken then return moved(p, task, to) end
  for _, blocked in ipairs(errors.check(p.store:next(core.json.array(from))).blocked) do
    if blocked.id == task.id then refuse(task, "it cannot be taken: " .. blocked.reasons[1].text) end
  end
  refuse(task, to .. " begins in " .. table.concat(from, " or "))
end

--- Gives a task its analysis, an object.
function M.analysed(p, task, analysis)
  local noted = claim(p, task, { to = "analysed", analysis = analysis })
  if noted then return noted end
  if not from_todo[task.status] then refuse(task, "it is analysed from todo") end
  analysis.analysed_at, analysis.analysed_by = core.time.iso(), os.getenv "USER" or "person"
  return move(p, task, "analysed", {
    analysis = analysis, analysis_completed_at = core.time.iso(), pending_question = core.json.null,
  })
end

--- Sets the plan of a task; returns where it is.
function M.plan(p, task, text)
  local path = errors.check_usage(plans.set(p:papers "plans", task, text))
  -- dotbot finds the plan by this field. In a sandbox, where tasks are read-only, the name of its file has to do.
  local name = place.below(path, p.root)
  if name then p.store:update(task.id, { plan_path = name }) end
  return path
end

-- Changes of state by their names. from: statuses that it is allowed from, nil for all; patch(task, reason): fields
-- that change.
local changes = {
  skip = { to = "skipped", patch = function(task, reason) return (questions.skip(task, reason or "by a person")) end },
  cancel = { to = "cancelled", patch = function(_, reason) return { reason = reason or core.json.null } end },
  reopen = {
    to = "todo",
    from = {
      done = true, failed = true, skipped = true, cancelled = true, ["needs-input"] = true, ["needs-review"] = true,
    },
    patch = function(task)
      return {
        completed_at = core.json.null, reason = core.json.null, pending_question = core.json.null, recoveries = 0,
        worktree = task.status == "done" and core.json.null or nil,
      }
    end,
  },
  restart = {
    to = "todo",
    from = {
      failed = true, skipped = true, cancelled = true, ["needs-input"] = true, ["needs-review"] = true, analysed = true,
    },
    patch = function()
      return { worktree = core.json.null, reason = core.json.null, pending_question = core.json.null, recoveries = 0 }
    end,
  },
  done = {
    to = "done",
    patch = function()
      return { completed_at = core.time.iso(), completed_by = os.getenv "USER" or "person", reason = core.json.null }
    end,
  },
}

--- Changes the state of a task: `name` is done, skip, cancel, reopen or restart. A task that waits with a branch is not
--- done by this: the result has `lands`, and by_hand.land() does it.
function M.change(p, task, name, reason)
  local change = changes[name]
  if change.from and not change.from[task.status] then refuse(task, name .. " is not possible from there") end
  local noted = claim(p, task, { to = change.to, reason = reason })
  if noted then return noted end
  local waits = task.status == "needs-review" or task.status == "needs-input" or task.status == "failed"
  if name == "done" and waits and type(task.worktree) == "table" then return { status = task.status, lands = true } end
  return move(p, task, change.to, change.patch(task, reason))
end

-- ---- asking ---------------------------------------------------------------------------------------

--- Stops a task until a person has answered. A question is {question, context?, options?, recommendation?}.
function M.ask(p, task, list)
  local noted = claim(p, task, { to = "needs-input", questions = list })
  if noted then return noted end
  if not from_todo[task.status] and task.status ~= "in-progress" then
    refuse(task, "questions are asked in todo, analysed and needs-input")
  end
  local patch, to = questions.ask(task, { questions = list })
  errors.check_usage(p.store:move(task.id, to, patch))
  p.store:release(task.id)
  for _, one in ipairs(list) do p.events:append("question", { task = task.id, question = one.question }) end
  return { status = to }
end

local may_split = {
  todo = true, analysed = true, ["needs-input"] = true, failed = true, skipped = true, analysing = true,
}

--- Proposes to split a task, {sub_tasks = {{name, description?, effort?}}, reason?}; a person approves it. `at_once`: a
--- person has said so, and the result has `children`; from an agent it is a proposal all the same.
function M.split(p, task, proposal, at_once)
  local problem = fields.problem("split_proposal", proposal)
  if problem then errors.usage("EINVAL", problem) end
  for i, part in ipairs(proposal.sub_tasks or {}) do
    if type(part.name) ~= "string" or not part.name:find "%S" then
      errors.usage("EINVAL", "part " .. i .. " has no name")
    end
  end
  if #(proposal.sub_tasks or {}) == 0 then errors.usage("EINVAL", "no parts; name them, or --file with JSON") end
  local noted = claim(p, task, { to = "needs-input", split_proposal = proposal })
  if noted then return noted end
  if not may_split[task.status] then refuse(task, "split is not possible from there") end
  if at_once then return M.approve(p, task, proposal) end
  local patch, to = questions.ask(task, { split_proposal = proposal })
  return move(p, task, to, patch)
end

--- Writes down a decision, about the tasks that `keys` name, else about the one that the agent works on.
---@return table decision
function M.decide(p, decision, keys)
  local own = os.getenv "AGENTLUA_TASK_ID"
  local related = core.json.array()
  for i, key in ipairs(#keys == 0 and own and { own } or keys) do
    related[i] = errors.check_usage(p.store:get(key)).id
  end
  decision.related_task_ids = related
  return errors.check_usage(decisions.add(p:papers "decisions", decision))
end

--- Answers the question of a task. Options: question = id, skip, attachments.
---@return table result {status, left = questions that are open, discards = the work on it is to be given up}
function M.answer(p, task, text, opts)
  if task.status ~= "needs-input" then
    errors.usage("ESTATE", ("task '%s' is in %s, not in needs-input"):format(task.id, task.status))
  end
  local patch, to, action = questions.answer(task, text, opts)
  if action == "discard" then -- from where it is: a runner must not take it in between
    errors.check_usage(p.store:update(task.id, patch))
    p.events:append("answered", { task = task.id, to = "cancelled" })
    return { status = task.status, discards = true, left = {} }
  end
  if p.dotbot then to, patch = dotbot.translate(task, to, patch) end
  task = fields.sound(errors.check_usage(p.store:move(task.id, to, patch)))
  p.events:append("answered", { task = task.id, to = to })
  return { status = to, left = questions.pending(task) }
end

--- Splits a task as it proposes, or as `proposal` says; the result has `children`.
function M.approve(p, task, proposal)
  local children = questions.approve(p.store, task, proposal)
  moved(p, task, "split")
  return { status = "split", children = children }
end

--- Does not split a task.
function M.reject(p, task, reason)
  local patch, to = questions.reject(task, reason)
  return move(p, task, to, patch)
end

return M
