-- agentlua.run.preview: what a run would do (--dry-run). Starts nothing and changes nothing.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local limit = require "agentlua.limit"
local resource = require "agentlua.resource"
local view = require "agentlua.view"

local M = {}

-- The worktree that a task would get, or has.
local function worktree_of(project, task)
  if task.worktree and core.fs.stat(task.worktree.path) then return task.worktree.path .. " (as it is)" end
  return project:worktrees_dir() .. "/" .. project:expand("{id8}-{slug}", task)
end

local function tell(project, task, place, prompt)
  view.say(("%d. '%s' (%s)"):format(place, task.name, fields.id8(task)), "start")
  if not project:needs_agent(task) then return view.say("   no agent: " .. task.type) end
  local backend, held, account = project:free_agent(task)
  local model = project:model_of(task, backend) or backend.model
  view.say("   agent " .. backend.name .. (model and ", model " .. model or "")
    .. (held and "; waits: " .. limit.describe(account, held) or ""))
  view.say(("   base %s, worktree %s"):format((project:base()), worktree_of(project, task)))
  view.say("   prompt " .. (prompt and prompt.path or "of the script"))
end

-- The tasks that could run, in the order in which they would.
local function ready(project, from, only, blocked)
  local list, kept, workflow = {}, {}, project.options.workflow
  for _, task in ipairs(blocked) do kept[task.id] = true end
  for _, status in ipairs(from) do
    for _, task in ipairs(errors.check(project.store:list(status))) do
      local wanted = (not only or only == task.id) and (not workflow or workflow == task.workflow)
      if wanted and not kept[task.id] then list[#list + 1] = fields.sound(task) end
    end
  end
  return list
end

--- Says of each task that a loop could claim what would be done with it, and what keeps the others.
--- `only`: id of the one task that it is about.
function M.show(project, from, to, only)
  local blocked = errors.check(project.store:next(from)).blocked
  local tasks = ready(project, from, only, blocked)
  local most = math.min(#tasks, project.options.max_tasks or #tasks)
  local prompt = resource.find("prompts", (to == "analysing" and "analyse" or "execute") .. ".md", project.dir)
  if most == 0 then view.say "nothing can run" end
  if most > 0 then view.say(("would run %d of the %d tasks that can run now"):format(most, #tasks)) end
  for i = 1, most do tell(project, tasks[i], i, prompt) end
  for _, task in ipairs(blocked) do
    if not only or only == task.id then view.say(("'%s' waits: %s"):format(task.name, task.reasons[1].text)) end
  end
  return { reason = "dry_run", code = 0 }
end

return M
