-- agentlua.mcp.task: tools that make tasks and look at them.

local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local operations = require "agentlua.task.operations"
local phases = require "agentlua.mcp.phases"
local plans = require "agentlua.task.plans"
local schema = require "agentlua.mcp.schema"

-- ---- making ---------------------------------------------------------------------------------------

local creation = schema.object({
  name = schema.text("what is to be done, in a few words", { minLength = 1 }),
  description = schema.text("all that the agent should know", { minLength = 1 }),
  category = schema.text "feature when left out",
  priority = schema.integer("1 is first; 50 when left out", { minimum = 1, maximum = 100 }),
  effort = schema.one_of(fields.efforts, "M when left out"),
  dependencies = schema.texts "ids or names of tasks that must be done before",
  acceptance_criteria = schema.texts "what must hold when it is done",
  steps = schema.texts "how to go about it",
  applicable_standards = schema.texts "paths of documents", applicable_agents = schema.texts "paths of documents",
  applicable_skills = schema.texts "paths of documents", applicable_decisions = schema.texts "ids of decisions",
  needs_interview = schema.flag "a person wants to be asked before it is analysed",
  human_hours = schema.number("estimate", { minimum = 0 }), ai_hours = schema.number("estimate", { minimum = 0 }),
  working_dir = schema.text "directory of the checkout that it is worked on in",
  type = schema.one_of(fields.types, "what does it: an agent (prompt, the usual one), a program, a tool, nothing"),
  prompt = schema.text "its template; type prompt_template", script_path = schema.text "its program; type script",
  mcp_tool = schema.text "the tool that it calls; type mcp", mcp_args = schema.any_object "the tool's arguments",
  skip_analysis = schema.flag "it needs none", skip_worktree = schema.flag "its program runs in the main checkout",
  model = schema.text "model of the agent",
}, { "name", "description" }, true)

-- What is not of its maker to say.
local ours = {
  "id8", "status", "file", "created_at", "updated_at", "worktree", "analysis_worktree", "attempts", "task_id",
}

local function create(p, args)
  local wrong = schema.check(args, creation)
  if wrong then errors.usage("EINVAL", wrong) end
  local task = {}
  for name, value in pairs(args) do
    if value ~= core.json.null then task[name] = value end
    local problem = fields.problem(name, value)
    if problem then errors.usage("EINVAL", "argument " .. problem) end
  end
  for _, name in ipairs(ours) do
    if task[name] ~= nil then errors.usage("EINVAL", ("argument '%s' is not yours to set"):format(name)) end
  end
  task = operations.add(p, task)
  return {
    task_id = task.id, name = task.name, status = task.status,
    file_path = ("%s/%s/%s"):format(p.tasks_dir, task.status, task.file),
  }
end

local function create_all(args, context)
  local created, problems = core.json.array(), core.json.array()
  for i, one in ipairs(args.tasks) do
    local item = {}
    for name, value in pairs(one) do item[name] = value end
    item.priority = item.priority or math.min(i, 100)
    local ok, result = errors.try(create, context.project, item)
    if ok then
      created[#created + 1] = result
    else
      problems[#problems + 1] = {
        index = i - 1, name = type(one.name) == "string" and one.name or nil, error = result.message,
      }
    end
    context.progress(i, #args.tasks)
  end
  return {
    success = #problems == 0, created_count = #created, error_count = #problems, created_tasks = created,
    errors = problems,
  }
end

-- ---- looking --------------------------------------------------------------------------------------

local function brief(task)
  local out = {}
  for _, name in ipairs { "id", "name", "status", "priority", "effort", "category", "dependencies", "reason" } do
    if task[name] ~= core.json.null then out[name] = task[name] end
  end
  return out
end

local function count(counts, key)
  key = type(key) == "string" and key or "none"
  counts[key] = (counts[key] or 0) + 1
end

local function list(args, context)
  local found, by_status, by_category, by_effort = core.json.array(), {}, {}, {}
  for _, task in ipairs(errors.check(context.project.store:list(args.status))) do
    local priority = tonumber(task.priority) or 50
    local fits = (not args.category or task.category == args.category)
      and (not args.effort or task.effort == args.effort)
      and priority >= (args.min_priority or -math.huge) and priority <= (args.max_priority or math.huge)
    if fits then
      count(by_status, task.status)
      count(by_category, task.category)
      count(by_effort, task.effort)
      if #found < (args.limit or math.huge) then found[#found + 1] = args.verbose and task or brief(task) end
    end
  end
  return { tasks = found, count = #found, by_status = by_status, by_category = by_category, by_effort = by_effort,
    filters = args }
end

-- Working days that a size stands for.
local days = { XS = 1, S = 2.5, M = 5, L = 10, XL = 15 }

local function stats(_, context)
  local total, remaining, by_status, by_category = 0, 0.0, {}, {}
  local by_priority = { ["1-20"] = 0, ["21-50"] = 0, ["51+"] = 0 }
  for _, task in ipairs(errors.check(context.project.store:list())) do
    local priority = tonumber(task.priority) or 50
    local range = priority <= 20 and "1-20" or priority <= 50 and "21-50" or "51+"
    total, by_priority[range] = total + 1, by_priority[range] + 1
    count(by_status, task.status)
    count(by_category, task.category)
    if not fields.ended[task.status] then remaining = remaining + (days[task.effort] or 5) end
  end
  local percentages = {}
  for status, n in pairs(by_status) do percentages[status] = math.floor(1000 * n / total + 0.5) / 10 end
  return {
    total = total, by_status = by_status, percentages = percentages, by_category = by_category,
    by_priority = by_priority, remaining_effort_days = remaining,
  }
end

local function next_task(args, context)
  local p = context.project
  local from = p.config.require_analysis and { "analysed" } or { "analysed", "todo" }
  if args.prefer_analysed == false then from = { "todo" } end
  local answer = errors.check(p.store:next(core.json.array(from)))
  local task = answer.task and (args.verbose and answer.task or brief(answer.task)) or core.json.null
  return { task = task, ready = answer.ready, blocked = core.json.array(answer.blocked) }
end

local shown = {
  "id", "name", "status", "description", "category", "priority", "effort", "type", "dependencies",
  "acceptance_criteria", "steps", "files", "applicable_standards", "applicable_agents", "applicable_skills",
  "needs_interview",
  "questions_resolved", "parent_task_id", "child_tasks", "reason", "analysis",
}

local function context_of(_, context)
  local p, task, out = context.project, context.task, {}
  for _, name in ipairs(shown) do out[name] = task[name] end
  out.has_analysis = type(task.analysis) == "table" and next(task.analysis) ~= nil
  out.plan = plans.get(p:papers "plans", task)
  out.decisions = core.json.array()
  local ids = type(task.applicable_decisions) == "table" and task.applicable_decisions or {}
  for i, id in ipairs(ids) do
    out.decisions[i] = type(id) == "string" and decisions.get(p:papers "decisions", id)
      or { id = id, status = "not-found" }
  end
  return out
end

return {
  {
    name = "task_create", phases = phases.both, schema = creation,
    description = "Adds a task to the queue. Fields that are not listed are kept, too.",
    run = function(args, context) return create(context.project, args) end,
  },
  {
    name = "task_create_bulk", phases = phases.both, run = create_all,
    description = "Adds several tasks, which may depend on earlier ones. One that is wrong keeps no other out.",
    schema = schema.object({ tasks = schema.list(creation, "as for task_create", { minItems = 1 }) }, { "tasks" }),
    accepts = schema.object({ tasks = schema.list({ type = "object" }, nil, { minItems = 1 }) }, { "tasks" }),
  },
  {
    name = "task_get_next", phases = phases.people, read_only = true, run = next_task,
    description = "The task that would run next, and what keeps the others.",
    schema = schema.object {
      verbose = schema.flag "all fields of the task", prefer_analysed = schema.flag "false: one that is to be analysed",
    },
  },
  {
    name = "task_list", phases = phases.both, read_only = true, run = list,
    description = "Tasks, in the order in which they run.",
    schema = schema.object {
      status = schema.one_of(core.store.statuses, "only these"), category = schema.text "only these",
      effort = schema.one_of(fields.efforts, "only these"), min_priority = schema.integer "only from this one on",
      max_priority = schema.integer "only up to this one", limit = schema.integer("at most so many", { minimum = 1 }),
      verbose = schema.flag "all fields",
    },
  },
  {
    name = "task_get_stats", phases = phases.both, read_only = true, run = stats, schema = schema.object {},
    description = "How many tasks there are in each status, and what is left to do.",
  },
  {
    name = "task_get_context", task = true, phases = phases.both, read_only = true, run = context_of,
    schema = schema.object {},
    description = "All that is known of a task: criteria, analysis, plan, answers, decisions.",
  },
}
