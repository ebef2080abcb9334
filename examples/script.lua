-- The same under the host (agentlua run examples/script.lua) and under a stock Lua (lua5.4
-- examples/script.lua, with LUA_PATH and LUA_CPATH as README.md shows): runs a command and reads its
-- lines, then adds a task to a store and claims it.
local al = require "agentlua"

al.run(function()
  local child <close> = assert(al.process.spawn { "printf", "one\\ntwo\\n" })
  for line in child:lines() do print("line: " .. line) end
  print("exit code: " .. child:wait().code)

  local store <close> = assert(al.store.open(os.getenv "TASKS" or "/tmp/agentlua-example", { create = true }))
  local task = assert(store:add { name = "say hello", priority = 1 })
  local mine = assert(store:claim { from = "todo", to = "in-progress", id = task.id })
  print(("claimed: %s (%s)"):format(mine.name, mine.status))
  store:move(mine.id, "done")
end)
