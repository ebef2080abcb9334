local al = require "agentlua"
local support = require "support"

describe("a runner that waits", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("starts a new task at once, and uses no processor while there is none", function()
    local child = w:start("run", "execute.lua", "--watch", "--agent", w:agent "edit")
    support.eventually(function() return #w:events "run_started" == 1 end, "the run starts")
    support.until_idle(child)
    local store <close> = assert(al.store.open(w.root .. "/.agentlua/tasks"))
    local best, i = math.huge, 0
    while best > 0.1 and i < 10 do -- the machine may be busy just then
      i = i + 1
      local begun = al.clock()
      local id = assert(store:add { name = "thing " .. i }).id
      support.eventually(function() return store:get(id).status ~= "todo" end, "the task is taken")
      best = math.min(best, al.clock() - begun)
      support.eventually(function() return store:get(id).status == "done" end, "the task is done")
    end
    assert.truthy(best < 0.1, ("taken after %.3f s"):format(best))
    child:stop()
    assert.equal(143, child:wait().code)
  end)
end)
