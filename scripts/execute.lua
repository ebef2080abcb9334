-- The execution loop: has an agent do each task in a worktree of its own, verifies, lands.
-- `agentlua edit execute.lua` makes a copy for this project that you can change.

local al = require "agentlua"

local p = al.project.open()

return p:loop {
  from = p.config.require_analysis and { "analysed" } or { "analysed", "todo" },
  to = "in-progress",
  work = function(task, run)
    local tree <close> = p:worktree(task)
    local result = run:attempts {
      phase = "execute",
      agent = p:agent(task),
      cwd = tree.path,
      prompt = p:prompt("execute", task),
      -- An agent that says done is believed when the `verify` commands agree; otherwise it is told
      -- what failed and tries again.
      accept = function() return p:verify(task, tree) end,
    }
    if result.ok then return p:land(task, tree) end
    return p:give_up(task, tree, result)
  end,
}
