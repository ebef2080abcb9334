-- agentlua.attempt.fallback: which agent does a task. Methods of a project.

local agent = require "agentlua.agent"
local limit = require "agentlua.limit"

local M = {}

-- The agent that a task names itself, when config.lua names it too: a task cannot bring its own program.
local function own_agent(project, task)
  local name = task and task.agent
  if type(name) ~= "string" then return nil end
  for _, known in ipairs(project.config.agents) do
    if known == name then return name end
  end
  return project.config.backends[name] and name or nil
end

--- The backends that may do a task, the preferred one first: that of --agent and no other, or the task's own
--- `agent` and then `agents` of config.lua. Raises ENOAGENT.
function M.agents_for(project, task)
  local wanted, all, seen = { project.options.agent or own_agent(project, task) }, {}, {}
  local listed = project.options.agent and {} or project.config.agents
  table.move(listed, 1, #listed, #wanted + 1, wanted)
  for _, name in ipairs(wanted) do
    project.agents[name] = project.agents[name] or agent.load(name, project)
    if not seen[name] then all[#all + 1] = project.agents[name] end
    seen[name] = true
  end
  return all
end

--- The first of these whose account is not limited. When all are: the first one, the limit that ends first
--- and its account.
---@param held table? limit.all()
---@return table backend, table? limit, string? account
function M.free_agent(project, task, held)
  held = held or limit.all()
  local all, ends, account = project:agents_for(task), nil, nil
  for _, backend in ipairs(all) do
    local found = held[backend.account]
    if not found then return backend end
    if not ends or limit.left(found) < limit.left(ends) then ends, account = found, backend.account end
  end
  return all[1], ends, account
end

--- The model that was asked for, of the agent that it was asked of: another vendor does not know its name.
function M.model_of(project, task, backend)
  for i, other in ipairs(project:agents_for(task)) do
    if i > 1 and other == backend then return nil end
  end
  return project.options.model or type(task.model) == "string" and task.model or nil
end

--- The backend that does a task now.
function M.agent(project, task) return (project:free_agent(task)) end

return M
