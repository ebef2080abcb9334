-- agentlua.mcp.plan: tools for the plan of a task.

local operations = require "agentlua.task.operations"
local phases = require "agentlua.mcp.phases"
local plans = require "agentlua.task.plans"
local schema = require "agentlua.mcp.schema"

local function set(args, context)
  return { task_id = context.task.id, path = operations.plan(context.project, context.task, args.content) }
end

local content = schema.object({ content = schema.text("the plan, Markdown", { minLength = 1 }) }, { "content" })

return {
  {
    name = "plan_create", task = true, phases = phases.both, schema = content, run = set,
    description = "Writes the plan of a task; the agents that work on it are told.",
  },
  {
    name = "plan_update", task = true, phases = phases.both, schema = content, run = set,
    description = "Writes the plan of a task anew, in the place of the one that it has.",
  },
  {
    name = "plan_get", task = true, phases = phases.both, read_only = true, schema = schema.object {},
    description = "The plan of a task, if it has one.",
    run = function(_, context)
      local text = plans.get(context.project:papers "plans", context.task)
      return { task_id = context.task.id, has_plan = text ~= nil, content = text }
    end,
  },
}
