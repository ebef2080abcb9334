local al = require "agentlua"
local support = require "support"

describe("a runner that waits", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Clock ticks (1/100 s) that a process has used.
  local function ticks(pid)
    local stat = al.fs.read("/proc/" .. pid .. "/stat"):match "%) (.*)$"
    local fields = {}
    for field in stat:gmatch "%S+" do fields[#fields + 1] = field end
    return tonumber(fields[12]) + tonumber(fields[13])
  end

  it("starts a new task at once, and uses no processor while there is none", function()
    local child = w:start("run", "execute.lua", "--watch", "--agent", w:agent "edit")
    support.eventually(function() return #w:events "run_started" == 1 end, "the run starts")
    local before = ticks(child:pid())
    al.sleep(2)
    assert.truthy(ticks(child:pid()) - before <= 1)
    local store <close> = assert(al.store.open(w.root .. "/.agentlua/tasks"))
    local best = math.huge
    for i = 1, 3 do
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
