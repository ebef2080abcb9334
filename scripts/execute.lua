-- The execution loop: does each task in a worktree of its own, verifies, lands.
-- Tasks that have begun come first (they were answered, or cut off), then by priority; a task runs when
-- what it depends on is done, its conditions hold and nothing else uses what it uses.
-- `agentlua edit execute.lua` makes a copy for this project that you can change.

local al = require "agentlua"

local p = al.project.open()

local function execute(task, run)
  -- Tasks of the types script, task_gen, mcp and barrier need no agent.
  if not p:needs_agent(task) then return p:perform(task, run) end

  local tree <close> = p:worktree(task)
  local result = run:attempts {
    agent = p:agent(task),
    cwd = p:working_dir(task, tree),
    prompt = p:task_prompt(task), -- prompts/execute.md, or the template of the task
    -- An agent that says done is believed when the `verify` commands agree; otherwise it is told
    -- what failed and tries again, `attempts` times.
    accept = function() return p:verify(task, tree) end,
  }
  if result.ok then return p:land(task, tree) end

  -- Failed, asked or stopped: the worktree stays with all that is in it.
  return p:give_up(task, tree, result)
end

return p:loop {
  from = p.config.require_analysis and { "analysed" } or { "analysed", "todo" }, -- the preferred one first
  to = "in-progress",
  work = execute,
}
