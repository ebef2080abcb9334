-- The analysis loop: has an agent read the code for each task and say how to do it. It works in a
-- throw-away worktree of the base; what it changes there is saved and reported, never landed.
-- `agentlua edit analyse.lua` makes a copy for this project that you can change.

local al = require "agentlua"

local p = al.project.open()

return p:loop {
  from = "todo",
  to = "analysing",
  work = function(task, run)
    local tree <close> = p:worktree(task, { throwaway = true })
    local result = run:attempts {
      phase = "analyse",
      agent = p:agent(task),
      cwd = tree.path,
      prompt = p:prompt("analyse", task),
    }
    p:cleanup(task, tree, tree.base_commit)
    if not result.ok then return p:give_up(task, nil, result) end
    return p:analysed(task, result)
  end,
}
