-- The analysis loop: has an agent read the code for each task and say how to do it. It works in a
-- throw-away worktree of the base as it is now; what it changes there is saved and reported, never landed.
-- Tasks whose questions have been answered come first, then by priority.
-- `agentlua edit analyse.lua` makes a copy for this project that you can change.

local al = require "agentlua"

local p = al.project.open()

local function analyse(task, run)
  -- Tasks with `skip_analysis`, and types that no agent works on, are analysed at once.
  local promoted = p:promote(task)
  if promoted then return promoted end

  local tree <close> = p:worktree(task, { throwaway = true })
  local result = run:attempts {
    agent = p:agent(task),
    cwd = p:working_dir(task, tree),
    prompt = p:prompt("analyse", task),
    -- An agent that ends without having said anything is asked again.
    accept = function(result) return p:accept_analysis(task, result) end,
  }
  p:cleanup(task, tree, tree.base_commit)

  -- It may also have asked (needs-input), proposed a split, or said that the task cannot be done.
  if not result.ok then return p:give_up(task, nil, result) end
  return p:analysed(task, result)
end

return p:loop { from = "todo", to = "analysing", work = analyse }
