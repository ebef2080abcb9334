local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local limit = require "agentlua.limit"
local state = require "agentlua.state"
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
      al.limit.report { account = %q, resets_at = al.now() + %g, evidence = "said so" }
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
        for i = 1, 5 do al.limit.report { account = arg[1] .. "/" .. i, resets_at = al.now() + 600 } end
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
      al.limit.report { account = "a/b", resets_at = al.now() + 0.3 }
      answers.over, answers.seconds = al.limit.wait("a/b"), al.clock() - started
      al.limit.report { account = "a/b", resets_at = al.now() + 600 }
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
    assert.is_true(answer.seconds >= 0.29 and answer.seconds < support.soon)
    answer.seconds = nil
    assert.same({ free = true, over = true, stopped = false, in_fiber = 3 }, answer)
  end)

  it("wait ends at once when somebody clears the limit, without being asked for", function()
    local answer = support.script [[
      local al = require "agentlua"
      al.limit.report { account = "a/b", kind = "auth" }
      al.limit.report { account = "c/d", kind = "auth" }
      local clear = al.process.spawn { "sleep", "0.2" }
      local started = al.clock()
      al.run(function()
        al.spawn(function()
          clear:wait()
          al.limit.clear("c/d")
          al.limit.clear("a/b", "usage") -- another kind: stays
          al.limit.clear("a/b", "auth")
        end)
        al.limit.wait "a/b"
      end)
      clear:close()
      print(al.json.dump { seconds = al.clock() - started, left = al.limit.all() })
    ]]
    assert.is_true(answer.seconds >= 0.2 and answer.seconds < support.soon)
    assert.is_nil(next(answer.left))
  end)

  it("backoff grows up to its cap, and never waits longer, nor less than half of that", function()
    for n = 1, 12 do
      for _ = 1, 20 do
        local seconds, most = limit.backoff(n, 2, 60), math.min(60, 2 * 2 ^ (n - 1))
        assert.is_true(seconds >= most / 2 and seconds <= most)
      end
    end
  end)

  it("those who wait for the same end come a little later, never before", function()
    for _, left in ipairs { 0, 2, 60, 18000 } do
      for _ = 1, 20 do
        local after = limit.after(left)
        assert.is_true(after >= left and after <= left + 10)
      end
    end
  end)
end)

describe("a limit as a value", function()
  local wall, boot, boot_id
  local real = {}
  before_each(function()
    support.setup()
    for name, clock in pairs(limit.clock) do real[name] = clock end
    wall, boot, boot_id = 1.7e9, 5000, "first"
    limit.clock.wall = function() return wall end
    limit.clock.boot = function() return boot end
    limit.clock.boot_id = function() return boot_id end
    real.dir, state.dir = state.dir, function() return support.dir .. "/state" end
  end)
  after_each(function()
    state.dir, real.dir = real.dir, nil
    for name, clock in pairs(real) do limit.clock[name] = clock end
    support.teardown()
  end)

  local function pass(seconds) wall, boot = wall + seconds, boot + seconds end

  it("has all that is known of it, and its end as the wall clock will show it", function()
    limit.report {
      account = "claude/work", kind = "usage", scope = "week", resets_at = wall + 600, confidence = "exact",
      evidence = "resets at ...",
    }
    assert.same({
      vendor = "claude", account = "work", kind = "usage", scope = "week", resets_at = wall + 600, confidence = "exact",
      evidence = "resets at ...", reported_at = core.time.iso(wall),
    }, limit.get "claude/work")
    pass(599)
    assert.equal(1, limit.remaining "claude/work")
    pass(1)
    assert.is_nil(limit.get "claude/work")
    assert.same({}, limit.all())
  end)

  it("a clock that is set forward does not end it, one that is set back does not prolong it", function()
    for _, jump in ipairs { 8 * 3600, -3600, 86400 * 400 } do
      limit.report { account = "a/b", resets_at = wall + 600 }
      wall = wall + jump
      assert.equal(600, limit.remaining "a/b")
      pass(599)
      assert.equal(1, limit.remaining "a/b")
      assert.equal(wall + 1, limit.get("a/b").resets_at)
      pass(1)
      assert.equal(0, limit.remaining "a/b")
    end
  end)

  it("time asleep counts; after another start of the machine the wall clock does", function()
    limit.report { account = "a/b", resets_at = wall + 600 }
    boot = boot + 400 -- the clock of the system sleeps on, the wall clock was wrong meanwhile
    assert.equal(200, limit.remaining "a/b")
    boot, boot_id, wall = 3, "second", wall + 500
    assert.equal(100, limit.remaining "a/b")
  end)

  it("the later end wins also between limits of two clocks; none without an end ends by itself", function()
    limit.report { account = "a/b", resets_at = wall + 600 }
    wall = wall + 3600
    local held, fresh = limit.report { account = "a/b", kind = "overloaded", resets_at = wall + 500 }
    assert.same({ "usage", false }, { held.kind, fresh })
    held, fresh = limit.report { account = "a/b", kind = "auth" }
    assert.same({ "auth", true }, { held.kind, fresh })
    assert.is_false(select(2, limit.report { account = "a/b", kind = "auth" }))
    pass(86400 * 365)
    assert.equal(math.huge, limit.remaining "a/b")
    limit.works "a/b"
    assert.equal(0, limit.remaining "a/b")
  end)
end)
