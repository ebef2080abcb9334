-- agentlua.mcp.decision: tools for decisions that count for more than one task.

local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local errors = require "agentlua.errors"
local operations = require "agentlua.task.operations"
local phases = require "agentlua.mcp.phases"
local schema = require "agentlua.mcp.schema"

local properties = {
  title = schema.text("in a few words", { minLength = 1 }),
  context = schema.text("what made it necessary", { minLength = 1 }),
  decision = schema.text("what was decided", { minLength = 1 }),
  type = schema.text "a kind of your own, like technical",
  consequences = schema.text "what follows from it",
  alternatives_considered = schema.list(schema.object({
    option = schema.text "what was not chosen", reason_rejected = schema.text "why",
  }, { "option" }), "what was not chosen, and why"),
  stakeholders = schema.texts "who has a say",
  related_task_ids = schema.texts "tasks that it is about; your own when left out",
  related_decision_ids = schema.texts "other decisions that it has to do with",
  tags = schema.texts "words to find it by",
  impact = schema.one_of({ "high", "medium", "low" }, "how far it reaches"),
}

local function with(more)
  local all = {}
  for name, one in pairs(properties) do all[name] = one end
  for name, one in pairs(more) do all[name] = one end
  return all
end

local id = schema.text("id of the decision, or how it begins", { minLength = 1 })

local function of(context) return context.project:papers "decisions" end

-- A tool that changes the status of a decision. `change(dir, args)` does it.
local function move(name, description, more, required, change)
  more.decision_id = id
  return {
    name = name, description = description, phases = phases.people,
    schema = schema.object(more, { "decision_id", required }),
    run = function(args, context) return errors.check_usage(change(of(context), args)) end,
  }
end

return {
  {
    name = "decision_create", phases = phases.both,
    description = "Writes a decision down that counts for other tasks, too.",
    schema = schema.object(with {
      status = schema.one_of({ "proposed", "accepted" }, "accepted: it holds already; proposed when left out"),
    }, { "title", "context", "decision" }),
    run = function(args, context) return operations.decide(context.project, args, args.related_task_ids or {}) end,
  },
  {
    name = "decision_get", phases = phases.both, read_only = true, description = "Everything about one decision.",
    schema = schema.object({ decision_id = id }, { "decision_id" }),
    run = function(args, context) return errors.check_usage(decisions.get(of(context), args.decision_id)) end,
  },
  {
    name = "decision_list", phases = phases.both, read_only = true, description = "All decisions, oldest first.",
    schema = schema.object { status = schema.one_of(decisions.statuses, "only these") },
    run = function(args, context)
      local all, problems = decisions.list(of(context), args.status)
      return { decisions = all, problems = core.json.array(problems) }
    end,
  },
  {
    name = "decision_update", phases = phases.both, description = "Changes fields of a decision; those that are named.",
    schema = schema.object(with { decision_id = id }, { "decision_id" }),
    run = function(args, context)
      local key = args.decision_id
      args.decision_id = nil
      if next(args) == nil then return nil, "nothing to change: name the fields with their values" end
      return errors.check_usage(decisions.update(of(context), key, args))
    end,
  },
  move("decision_mark_accepted", "A proposed decision holds from now on.", {}, nil, function(dir, args)
    return decisions.accept(dir, args.decision_id)
  end),
  move("decision_mark_deprecated", "A decision holds no longer.", { reason = schema.text "why" }, nil,
    function(dir, args) return decisions.deprecate(dir, args.decision_id, args.reason) end),
  move("decision_mark_superseded", "Another decision holds in the place of one.",
    { superseded_by = schema.text("id of the decision that holds", { minLength = 1 }) }, "superseded_by",
    function(dir, args) return decisions.supersede(dir, args.decision_id, args.superseded_by) end),
}
