local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local limit = require "agentlua.limit"
local support = require "support"

describe("limit", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- Each call is another process of the same user.
  local function remaining(account)
    return support.script(([[
      local al = require "agentlua"
      print(al.json.dump(al.limit.remaining(%q)))
    ]]):format(account))
  end
  local function report(account, seconds)
    support.script(([[
      local al = require "agentlua"
      al.limit.report(%q, al.now() + %g, "said so")
      print "true"
    ]]):format(account, seconds))
  end

  it("is shared by all processes of the user, per account", function()
    assert.equal(0, remaining "claude/default")
    report("claude/default", 600)
    local left = remaining "claude/default"
    assert.is_true(left > 500 and left <= 600, tostring(left))
    assert.equal(0, remaining "claude/other")
    assert.equal(0, remaining "codex/default")
    local kept = core.json.parse(core.fs.read(support.dir .. "/state/agentlua/limits.json"))
    assert.equal("said so", kept["claude/default"].evidence)
  end)

  it("the later end wins, whoever reports last", function()
    report("a/b", 600)
    report("a/b", 60)
    assert.is_true(remaining "a/b" > 500)
    report("a/b", 6000)
    assert.is_true(remaining "a/b" > 5000)
  end)

  it("what is over is forgotten", function()
    report("a/b", -1)
    report("c/d", 600)
    assert.equal(0, remaining "a/b")
    local kept = core.json.parse(core.fs.read(support.dir .. "/state/agentlua/limits.json"))
    assert.is_nil(kept["a/b"])
  end)

  it("reports of several processes at once are all kept", function()
    support.run(function()
      local group <close> = fiber.group()
      local script = support.write("report.lua", [[
        local al = require "agentlua"
        for i = 1, 5 do al.limit.report(arg[1] .. "/" .. i, al.now() + 600) end
      ]])
      for i = 1, 4 do
        group:spawn(function()
          local result = support.agentlua { "run", script, "vendor" .. i }
          assert(result.code == 0, result.stderr)
        end)
      end
      group:wait()
    end)
    local kept, n = core.json.parse(core.fs.read(support.dir .. "/state/agentlua/limits.json")), 0
    for _ in pairs(kept) do n = n + 1 end
    assert.equal(20, n)
  end)

  it("a damaged file is no limit, and the next report writes a good one", function()
    local file = "state/agentlua/limits.json"
    for _, text in ipairs {
      "", "{", "5", "null", '["x"]', '{"a/b":5,"c/d":{},"e/f":{"resets_at":"x"}}',
    } do
      support.write(file, text)
      assert.equal(0, remaining "a/b")
    end
    report("a/b", 600)
    assert.is_true(remaining "a/b" > 500)
  end)

  it("wait ends when the limit does, and false when it is told to stop", function()
    local answer = support.script [[
      local al = require "agentlua"
      local answers = { free = al.limit.wait "a/b" }
      local started = al.clock()
      al.limit.report("a/b", al.now() + 0.3)
      answers.over, answers.seconds = al.limit.wait("a/b"), al.clock() - started
      al.limit.report("a/b", al.now() + 600)
      local asked = 0
      answers.stopped = al.limit.wait("a/b", function()
        asked = asked + 1
        return asked > 2
      end)
      answers.in_fiber = al.run(function()
        local ticks = 0
        al.spawn(function() for _ = 1, 3 do ticks = ticks + 1 al.sleep(0) end end)
        al.limit.wait("a/b", function() return ticks == 3 end)
        return ticks
      end)
      print(al.json.dump(answers))
    ]]
    assert.is_true(answer.seconds >= 0.29 and answer.seconds < 5)
    answer.seconds = nil
    assert.same({ free = true, over = true, stopped = false, in_fiber = 3 }, answer)
  end)

  it("backoff grows up to its cap, and never waits longer", function()
    for n = 1, 12 do
      for _ = 1, 20 do
        local seconds = limit.backoff(n, 2, 60)
        assert.is_true(seconds >= 0 and seconds <= math.min(60, 2 * 2 ^ (n - 1)))
      end
    end
  end)
end)
