-- agentlua.mcp.change: tools that change the state of tasks. Inside a run what an agent says of its own task is noted,
-- and judged when it ends.

local by_hand = require "agentlua.work.by_hand"
local core = require "agentlua.core"
local fields = require "agentlua.fields"
local operations = require "agentlua.task.operations"
local phases = require "agentlua.mcp.phases"
local questions = require "agentlua.task.questions"
local schema = require "agentlua.mcp.schema"

-- What a tool says of an operation.
local function told(context, result)
  local out = { task_id = context.task.id, status = result.status, message = result.noted, reason = result.reason }
  if result.children then
    out.child_tasks = core.json.array()
    for i, child in ipairs(result.children) do out.child_tasks[i] = child.id end
  end
  return out
end

local function take(to)
  return function(_, context) return told(context, operations.take(context.project, context.task, to)) end
end

-- A change of state that is no mistake where the task is in that state already.
local function change(name, to)
  return function(args, context)
    local p, task = context.project, context.task
    if task.status == to then return { task_id = task.id, status = to, message = "it is " .. to .. " already" } end
    local result = operations.change(p, task, name, args.skip_reason)
    if not result.lands then return told(context, result) end
    context.progress(0, 1, "verifying and landing")
    result = by_hand.land(task.id, { tasks = p.tasks_dir })
    if result.status ~= "done" then
      return nil, ("it is in %s: %s"):format(result.status, result.reason or "not landed")
    end
    return told(context, result)
  end
end

-- ---- questions ------------------------------------------------------------------------------------

local text_or_object = { "string", "object" }

local asked = schema.object({
  question = schema.text("what has to be known", { minLength = 1 }),
  context = schema.text "what one has to know to answer",
  options = schema.list({
    type = text_or_object,
    properties = {
      key = schema.text "A, B, ... when left out", label = schema.text("the answer", { minLength = 1 }),
      rationale = schema.text "what speaks for it", skip = schema.flag "choosing it passes the task over",
    },
    required = core.json.array { "label" },
  }, "answers to choose from", { minItems = 2, maxItems = 5 }),
  recommendation = schema.text "key of the option that you would take; the first one when left out",
}, { "question" }, true)
asked.type = text_or_object

local part = schema.object({
  name = schema.text("what is to be done, in a few words", { minLength = 1 }),
  description = schema.text "all that the agent should know", effort = schema.one_of(fields.efforts),
}, { "name" })

-- A question as it is kept, from what was said.
local function question_of(said)
  if type(said) == "string" then return { question = said } end
  said = schema.given(said)
  local options
  for i, one in ipairs(said.options or {}) do
    options = options or core.json.array()
    options[i] = questions.option(type(one) == "table" and schema.given(one) or one, i)
  end
  return {
    question = said.question, context = said.context, options = options,
    recommendation = said.recommendation or options and options[1].key,
  }
end

local function needs_input(args, context)
  local p, task = context.project, context.task
  local kinds = (args.question and 1 or 0) + (args.questions and 1 or 0) + (args.split_proposal and 1 or 0)
  if kinds ~= 1 then return nil, "say one of question, questions and split_proposal" end
  if args.split_proposal then return told(context, operations.split(p, task, args.split_proposal)) end
  local list = core.json.array()
  for i, said in ipairs(args.questions or { args.question }) do list[i] = question_of(said) end
  for _, one in ipairs(list) do
    if not one.question:find "%S" then return nil, "a question is empty" end
  end
  return told(context, operations.ask(p, task, list))
end

local function answer(args, context)
  local p, task = context.project, context.task
  local result = operations.answer(p, task, args.answer, {
    question = args.question_id, skip = args.skip, attachments = args.attachments,
  })
  if result.discards then return told(context, by_hand.discard(p, task.id)) end
  return { task_id = task.id, status = result.status, questions_left = core.json.array(result.left) }
end

local function decide_split(args, context)
  local p, task = context.project, context.task
  return told(context, args.approved and operations.approve(p, task) or operations.reject(p, task, args.reason))
end

local none = schema.object {}

return {
  {
    name = "task_mark_todo", task = true, phases = phases.people, schema = none, run = change("reopen", "todo"),
    description = "Puts a task that has ended back to todo; its work so far is gone on with.",
  },
  {
    name = "task_mark_analysing", task = true, phases = phases.analyse, schema = none, run = take "analysing",
    description = "Begins the analysis of a task. Your own has begun already.",
  },
  {
    name = "task_mark_analysed", task = true, phases = phases.analyse,
    description = "Gives a task its analysis: what is to be changed, how, and what to look out for. Then end.",
    schema = schema.object({
      analysis = schema.any_object("what was found out", {
        properties = {
          summary = schema.text "in a few sentences",
          entities = schema.any_object "{primary: [], related: [], context_summary: \"\"}",
          files = schema.any_object "{to_modify: [], patterns_from: [], tests_to_update: []}",
          dependencies = schema.any_object "{task_dependencies: [], implicit_dependencies: [], blocking_issues: []}",
          standards = schema.any_object "{applicable: [], relevant_sections: {}}",
          product_context = schema.any_object "{mission_summary: \"\", entity_definitions: \"\"}",
          implementation = schema.any_object "{approach: \"\", key_patterns: \"\", risks: [], estimated_tokens: 0}",
        },
      }),
    }, { "analysis" }),
    run = function(args, context)
      if next(args.analysis) == nil then return nil, "the analysis is empty; say what was found out" end
      return told(context, operations.analysed(context.project, context.task, args.analysis))
    end,
  },
  {
    name = "task_mark_in_progress", task = true, phases = phases.execute, schema = none, run = take "in-progress",
    description = "Begins the work on a task; it goes back when this server ends first. Your own has begun already.",
  },
  {
    name = "task_mark_done", task = true, phases = phases.execute, schema = none, run = change("done", "done"),
    description = "Says that a task is done; the project's checks judge it. Then end.",
  },
  {
    name = "task_mark_needs_input", task = true, phases = phases.both, run = needs_input,
    description = "Stops a task until a person has answered: one question, up to four, or a proposal to split it. "
      .. "Then end.",
    schema = schema.object {
      question = asked, questions = schema.list(asked, "several", { minItems = 1, maxItems = 4 }),
      split_proposal = schema.object({
        reason = schema.text "why", sub_tasks = schema.list(part, "the parts, in their order", { minItems = 1 }),
      }, { "sub_tasks" }),
    },
  },
  {
    name = "task_mark_skipped", task = true, phases = phases.both, run = change("skip", "skipped"),
    description = "Passes a task over that is done already or cannot be done. Then end.",
    schema = schema.object({
      skip_reason = schema.text("why, like non-recoverable", { minLength = 1 }),
    }, { "skip_reason" }),
  },
  {
    name = "task_answer_question", task = true, phases = phases.people, run = answer,
    description = "Answers the question of a task, for a person.",
    schema = schema.object({
      answer = schema.text("the key of an option, or words", { minLength = 1 }),
      question_id = schema.text "the first one when left out", skip = schema.flag "pass the task over with this answer",
      attachments = schema.list(schema.object({
        name = schema.text "of the file", size = schema.integer "bytes", path = schema.text "where it is",
      }, { "name" }), "files that belong to the answer"),
    }, { "answer" }),
  },
  {
    name = "task_approve_split", task = true, phases = phases.people, run = decide_split,
    description = "Decides on a proposal to split a task, for a person.",
    schema = schema.object({ approved = schema.flag "false: it is done as one", reason = schema.text "why not" },
      { "approved" }),
  },
}
