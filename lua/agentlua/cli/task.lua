-- agentlua task COMMAND: the tasks, for people and for agents. One file per command in task/.

local family = require "agentlua.cli.family"
local states = require "agentlua.cli.task.states"

local names = {
  "add", "import", "list", "show", "next", "edit", "log", "wait", "plan", "analysed", "ask", "answer", "approve",
  "reject", "split",
}
local in_files = {}
for _, name in ipairs(names) do in_files[name] = true end
table.move(states.names, 1, #states.names, #names + 1, names)

return family("task", "add, list, show, change tasks", names, function(name)
  return in_files[name] and require("agentlua.cli.task." .. name) or states[name]
end)
