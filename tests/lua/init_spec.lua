local al = require "agentlua"
local core = require "agentlua.core"

describe("agentlua", function()
  it("has what scripts call", function()
    for _, name in ipairs {
      "run", "spawn", "group", "sleep", "timeout", "cancel", "on", "agent", "lock", "log", "now",
      "clock",
    } do
      assert.equal("function", type(al[name]), name)
    end
    for _, name in ipairs {
      "json", "fs", "text", "process", "git", "store", "limit", "events", "prompt", "project",
      "config", "errors", "fiber",
    } do
      assert.equal("table", type(al[name]), name)
    end
    assert.equal(core.version, al.version)
    assert.is_nil(al.nosuch)
  end)

  it("parts are the modules themselves", function()
    assert.equal(require "agentlua.process", al.process)
    assert.equal(require "agentlua.agent".load, al.agent)
    assert.equal(require "agentlua.fiber".run, al.run)
  end)
end)
