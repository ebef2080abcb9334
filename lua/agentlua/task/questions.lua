-- agentlua.task.questions: what a task waits for a person with (questions, a proposed split), and what
-- becomes of the answers. Functions return the fields that change and the status to go to.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local null = core.json.null

M.discard_label = "Discard the work; agentlua restore brings it back"

local function list_of(value) return type(value) == "table" and value or {} end
local function copy(list) return core.json.array(table.move(list, 1, #list, 1, {})) end

--- The questions that a task waits with, the single one first.
function M.pending(task)
  local all = {}
  if type(task.pending_question) == "table" then all[1] = task.pending_question end
  for _, question in ipairs(list_of(task.pending_questions)) do all[#all + 1] = question end
  return all
end

--- Where a task goes on once a person has answered: where it was taken from.
function M.resume_status(task)
  local analysis = task.analysis
  return type(analysis) == "table" and next(analysis) ~= nil and "analysed" or "todo"
end

--- An option of a question from "B: words", "words", or {key=, label=, rationale=, skip=}; the i-th one is else called
--- by the i-th letter.
function M.option(said, i)
  if type(said) == "table" then
    return {
      key = said.key or string.char(64 + i), label = said.label, rationale = said.rationale,
      skip = said.skip == true or nil,
    }
  end
  local key, label = said:match "^(%a): *(.+)$"
  return { key = key and key:upper() or string.char(64 + i), label = label or said }
end

-- Ids are unique among all questions that a task ever had: answers are found by them.
local function with_ids(task, questions)
  local used, out = {}, {}
  for _, known in ipairs { M.pending(task), list_of(task.questions_resolved) } do
    for _, question in ipairs(known) do used[question.id or ""] = true end
  end
  for _, question in ipairs(questions) do
    local id, n = question.id, 0
    while not id or used[id] do
      n = n + 1
      id = "q" .. n
    end
    used[id] = true
    out[#out + 1] = {
      id = id, question = question.question, context = question.context, options = question.options,
      recommendation = question.recommendation, asked_at = core.time.iso(),
    }
  end
  return out
end

--- Asks a person: `what` is {question=, context=, options=} or {questions = list} or {split_proposal =
--- {reason, sub_tasks = {{name=, description=, effort=}}}}.
---@return table patch, string status
function M.ask(task, what)
  if what.split_proposal then
    local proposal = what.split_proposal
    proposal.proposed_at = core.time.iso()
    return { split_proposal = proposal }, "needs-input"
  end
  local fresh = with_ids(task, what.questions or { what })
  local before = M.pending(task)
  if #before == 0 and #fresh == 1 then return { pending_question = fresh[1] }, "needs-input" end
  for _, question in ipairs(fresh) do before[#before + 1] = question end
  return { pending_question = null, pending_questions = copy(before), all_questions_answered = false }, "needs-input"
end

-- "b" or "B" is the option of that key, in the words that it was offered with.
local function chosen(question, text)
  for _, option in ipairs(list_of(question.options)) do
    if type(option) == "table" and tostring(option.key):upper() == text:upper() then return option end
  end
end

local function find(task, id)
  local all = M.pending(task)
  if not id then return all[1], 1, all end
  for i, question in ipairs(all) do
    if question.id == id then return question, i, all end
  end
end

--- Answers a question (the first one without `opts.question`). Skipping the task is a flag of the
--- answer (`opts.skip`) or of the option that is chosen, never read out of its words.
---@param opts { question: string?, skip: boolean?, attachments: table? }
---@return table patch, string status, string? action  what the chosen option asks for
function M.answer(task, text, opts)
  local question, place, all = find(task, opts.question)
  if not question then
    errors.usage("ENOENT", opts.question and ("task '%s' waits with no question '%s'"):format(task.id, opts.question)
      or ("task '%s' waits with no question; agentlua task show %s"):format(task.id, task.id8 or task.id))
  end
  local option = chosen(question, text)
  local resolved = copy(list_of(task.questions_resolved))
  resolved[#resolved + 1] = {
    id = question.id, question = question.question, context = question.context,
    asked_at = question.asked_at, answered_at = core.time.iso(),
    answer = option and ("%s - %s"):format(option.key, option.label or "") or text,
    answer_type = option and "option" or "custom", attachments = opts.attachments,
  }
  table.remove(all, place)
  local patch = {
    questions_resolved = resolved, pending_question = null,
    pending_questions = #all > 0 and copy(all) or (task.pending_questions and core.json.array() or nil),
    all_questions_answered = task.pending_questions and #all == 0 or nil, reason = null,
  }
  if opts.skip or option and option.skip == true then
    return M.skip(task, question.question .. ": " .. resolved[#resolved].answer, patch)
  end
  if option and option.action == "restart" then patch.worktree = null end
  if option and option.action == "renew_budget" then patch.budget_from = #list_of(task.attempts) end
  if option and option.action == "review" then
    patch.reason = option.label
    return patch, "needs-review"
  end
  return patch, #all > 0 and "needs-input" or M.resume_status(task), option and option.action
end

--- A question about work that waits to be landed. `land`, `give_back`: what the first two answers are called.
function M.about_work(id, question, context, land, give_back)
  return {
    id = id, question = question, context = context, asked_at = core.time.iso(),
    options = {
      { key = "A", label = land, action = "review" },
      { key = "B", label = give_back },
      { key = "C", label = "Start over on the new base; the branch is kept", action = "restart" },
      { key = "D", label = M.discard_label, action = "discard" },
    },
  }
end

--- Passes a task over. `patch` has fields that change anyway.
function M.skip(task, reason, patch)
  patch = patch or {}
  patch.skip_history = copy(list_of(task.skip_history))
  patch.skip_history[#patch.skip_history + 1] = { skipped_at = core.time.iso(), reason = reason }
  patch.reason = reason
  return patch, "skipped"
end

local function proposal_of(task)
  if type(task.split_proposal) == "table" and not task.split_proposal.status then return task.split_proposal end
  errors.usage("ESTATE", ("task '%s' has no split to decide on; agentlua task show %s"):format(task.id,
    task.id8 or task.id))
end

--- Splits a task as it proposes: adds the parts, then puts the task to split. What a crash cuts off
--- is finished by doing it again: the ids of the parts are written down before they are added.
---@return table[] children
function M.approve(store, task, proposal)
  proposal = proposal or proposal_of(task)
  local ids = type(task.child_tasks) == "table" and copy(task.child_tasks) or core.json.array()
  for i = #ids + 1, #list_of(proposal.sub_tasks) do ids[i] = core.text.uuid() end
  errors.check_usage(store:update(task.id, { child_tasks = ids, split_reason = proposal.reason or "" }))
  local children = {}
  for i, part in ipairs(list_of(proposal.sub_tasks)) do
    children[i] = store:get(ids[i]) or errors.check_usage(store:add {
      id = ids[i], name = part.name, description = part.description or "Sub-task of: " .. task.name,
      effort = part.effort or "M", category = task.category, priority = task.priority, type = task.type,
      dependencies = task.dependencies, parent_task_id = task.id,
    })
  end
  proposal.status, proposal.approved_at = "approved", core.time.iso()
  errors.check_usage(store:move(task.id, "split", { split_proposal = proposal, split_at = core.time.iso() }))
  return children
end

--- Rejects a proposed split: the task is picked up again and knows of it.
---@return table patch, string status
function M.reject(task, reason)
  local proposal = proposal_of(task)
  proposal.status, proposal.rejected_at = "rejected", core.time.iso()
  local resolved = copy(list_of(task.questions_resolved))
  resolved[#resolved + 1] = {
    id = "split", question = "May this task be split? " .. tostring(proposal.reason or ""), answer_type = "custom",
    answer = "No, do it as one task." .. (reason and " " .. reason or ""), asked_at = proposal.proposed_at,
    answered_at = core.time.iso(),
  }
  return { split_proposal = proposal, questions_resolved = resolved }, M.resume_status(task)
end

return M
