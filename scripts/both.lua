-- Analysis and execution side by side in one run: while tasks are worked on, one agent looks ahead.
-- It ends when neither can go on. Execution comes first when both could start something, and has
-- `jobs` places of its own; the analysis has one more.
-- `agentlua edit both.lua` makes a copy for this project that you can change.

local al = require "agentlua"

local p = al.project.open()

local function analyse(task, run)
  local promoted = p:promote(task)
  if promoted then return promoted end
  local tree <close> = p:worktree(task, { throwaway = true })
  local result = run:attempts {
    agent = p:agent(task),
    cwd = p:working_dir(task, tree),
    prompt = p:prompt("analyse", task),
    accept = function(result) return p:accept_analysis(task, result) end,
  }
  p:cleanup(task, tree, tree.base_commit)
  if not result.ok then return p:give_up(task, nil, result) end
  return p:analysed(task, result)
end

local function execute(task, run)
  if not p:needs_agent(task) then return p:perform(task, run) end
  local tree <close> = p:worktree(task)
  local result = run:attempts {
    agent = p:agent(task),
    cwd = p:working_dir(task, tree),
    prompt = p:task_prompt(task),
    accept = function() return p:verify(task, tree) end,
  }
  if result.ok then return p:land(task, tree) end
  return p:give_up(task, tree, result)
end

return p:loop {
  { from = "analysed", to = "in-progress", work = execute },
  { from = "todo", to = "analysing", work = analyse, jobs = 1 },
}
