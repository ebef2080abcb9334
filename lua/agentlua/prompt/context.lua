-- agentlua.prompt.context: what a prompt may say of a task and of its project: the names of templates, and
-- their texts. The project's documents are pointed to; plan and decisions are short and said in full.

local branches = require "agentlua.work.branch"
local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local documents = require "agentlua.prompt.documents"
local fields = require "agentlua.fields"
local plans = require "agentlua.task.plans"

local M = {}

-- Most bytes of an analysis, of a plan and of the decisions.
local most_text <const> = 65536

--- Said in the place of what is empty. A section of such a name is dropped all the same.
M.defaults = {
  ACCEPTANCE_CRITERIA = "None are written down: judge by the description.",
  TASK_STEPS = "None are written down: find your own.",
  APPLICABLE_STANDARDS = "None are named: follow the code around.",
  APPLICABLE_AGENTS = "None is named: work as an experienced developer of this project.",
  APPLICABLE_SKILLS = "None are named: use your judgement.",
  APPLICABLE_DECISIONS = "None are known.",
  PRODUCT_MISSION = "There is no mission document.",
  ENTITY_MODEL = "There is no entity model.",
  STANDARDS_LIST = "The project has no written standards.",
}

local function text(value)
  return (type(value) == "string" or type(value) == "number") and tostring(value) or ""
end

local function bullets(value)
  if type(value) ~= "table" then return type(value) == "string" and value or "" end
  local lines = {}
  for _, item in ipairs(value) do lines[#lines + 1] = text(item) ~= "" and "- " .. text(item) or nil end
  return table.concat(lines, "\n")
end

-- A list of ids; a single one may be there without a list.
local function ids(value)
  return type(value) == "table" and value or { type(value) == "string" and value or nil }
end

local function questions(list)
  local lines = {}
  for _, q in ipairs(type(list) == "table" and list or {}) do
    if type(q) == "table" then
      local context = text(q.context):gsub("^.", "\n%0"):gsub("\n", "\n  ")
      lines[#lines + 1] = "- Q: " .. text(q.question) .. context .. "\n  A: " .. text(q.answer)
    end
  end
  return table.concat(lines, "\n")
end

-- The beginning of a text that is too long to be said, up to a whole character. `whole`: where all of it is.
local function cut(said, whole)
  if #said <= most_text then return said end
  local last = utf8.offset(said:sub(1, most_text), -1) or most_text
  return ("%s\n[cut here: %d bytes more; %s]"):format(said:sub(1, last - 1), #said - last + 1, whole)
end

-- ---- decisions ------------------------------------------------------------------------------------

local function tell(decision)
  local lines = { ("### %s: %s (%s%s)"):format(decision.id, text(decision.title), decision.status,
    decision.superseded_by and " by " .. text(decision.superseded_by) or "") }
  for _, name in ipairs { "context", "decision", "consequences" } do
    local said = text(decision[name])
    if said ~= "" then lines[#lines + 1] = ("%s: %s"):format(name:gsub("^%l", string.upper), said) end
  end
  return table.concat(lines, "\n")
end

-- Decisions that a task names, and those that name it.
local function decided(project, task)
  local dir, told, said = project:papers "decisions", {}, {}
  for _, id in ipairs(ids(task.applicable_decisions)) do
    local decision, message = decisions.get(dir, text(id))
    said[#said + 1] = decision and tell(decision) or core.text.printable(message)
    if decision then told[decision.id] = true end
  end
  for _, decision in ipairs(decisions.list(dir)) do
    for _, id in ipairs(ids(decision.related_task_ids)) do
      if id == task.id and not told[decision.id] then
        said[#said + 1], told[decision.id] = tell(decision), true
      end
    end
  end
  return cut(table.concat(said, "\n\n"), "agentlua decision show ID has it")
end

-- ---- all names ------------------------------------------------------------------------------------

local function of_task(task)
  local analysis = text(task.analysis)
  if type(task.analysis) == "table" and next(task.analysis) ~= nil then analysis = core.json.dump(task.analysis, 2) end
  return {
    TASK_ID = task.id, TASK_ID_SHORT = fields.id8(task), TASK_NAME = text(task.name),
    TASK_DESCRIPTION = text(task.description), TASK_CATEGORY = text(task.category),
    TASK_PRIORITY = text(task.priority), TASK_EFFORT = text(task.effort),
    ACCEPTANCE_CRITERIA = bullets(task.acceptance_criteria), TASK_STEPS = bullets(task.steps),
    TASK_FILES = bullets(task.files), QUESTIONS_RESOLVED = questions(task.questions_resolved),
    NEEDS_INTERVIEW = task.needs_interview == true, SPLIT_THRESHOLD_EFFORT = "XL",
    ANALYSIS = cut(analysis, "agentlua task show ID --json has it"),
  }
end

-- The persona of a task that names none, among those of the project.
local function implementer(personas)
  for _, path in ipairs(personas) do
    if path:find "/implementer/AGENT%.md$" or path:find "/implementer%.md$" then return { path } end
  end
  return {}
end

local function of_project(project, task)
  local tree, run = task.analysis_worktree or task.worktree, project.run and project.run.id or ""
  local vars = {
    PROJECT_ROOT = project.root, SESSION_ID = run, INSTANCE_ID = run,
    INSTANCE_ID_SHORT = run ~= "" and core.text.id8(run) or "",
    BRANCH_NAME = type(tree) == "table" and tree.branch or branches.expand(project.config.branch, task),
    PLAN = cut(plans.get(project:papers "plans", task) or "", "agentlua task plan ID has it"),
    APPLICABLE_DECISIONS = decided(project, task),
    PRODUCT_MISSION = documents.product(project, task, "mission.md"),
    ENTITY_MODEL = documents.product(project, task, "entity-model.md"),
    PRODUCT_LIST = documents.pointers(project, task, documents.list(project, "product")),
  }
  for _, kind in ipairs { "standards", "agents", "skills" } do
    local named, all = ids(task["applicable_" .. kind]), documents.list(project, kind)
    if #named == 0 then named = kind == "agents" and implementer(all) or all end
    vars["APPLICABLE_" .. kind:upper()] = documents.pointers(project, task, named)
    vars[kind:upper() .. "_LIST"] = documents.pointers(project, task, all)
  end
  return vars
end

--- What a template may name for a task: name -> text, or false. `more` is put on top.
function M.of(project, task, more)
  local vars = of_task(task)
  for name, value in pairs(of_project(project, task)) do vars[name] = value end
  for name, value in pairs(more) do vars[name] = value end
  return vars
end

return M
