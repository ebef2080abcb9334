local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local lock = require "agentlua.lock"
local process = require "agentlua.process"
local support = require "support"

describe("fiber", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("run returns everything that the function returns, nil included", function()
    local results = table.pack(fiber.run(function(...) return ... end, 1, nil, "x", nil))
    assert.same({ n = 4, 1, nil, "x", nil }, results)
    assert.same({ n = 0 }, table.pack(fiber.run(function() end)))
  end)

  it("run raises what the function raises, with a traceback of the fiber", function()
    local function culprit() error "broken" end
    local ok, problem = pcall(fiber.run, function()
      fiber.sleep(0)
      culprit()
    end)
    assert.is_false(ok)
    assert.is_true(errors.is(problem))
    assert.equal("ESCRIPT", problem.code)
    assert.matches("fiber_spec.lua:%d+: broken", problem.message)
    assert.matches("culprit", problem.traceback)
  end)

  it("run keeps code and exit of an error value", function()
    local ok, problem = pcall(fiber.run, errors.usage, "ENOTHING", "there is nothing")
    assert.is_false(ok)
    assert.same({ "ENOTHING", "there is nothing" }, { problem.code, problem.message })
    assert.equal(2, problem.exit)
  end)

  it("run waits for what the function has spawned", function()
    local order = {}
    fiber.run(function()
      fiber.spawn(function(name)
        fiber.sleep(0.01)
        order[#order + 1] = name
      end, "spawned")
      order[#order + 1] = "function"
    end)
    assert.same({ "function", "spawned" }, order)
  end)

  it("run raises the error of what the function has spawned", function()
    local ok, problem = pcall(fiber.run, function()
      fiber.spawn(error, "lost?", 0)
      fiber.sleep(60)
    end)
    assert.is_false(ok)
    assert.equal("lost?", problem.message)
  end)

  it("run may be called in a fiber, and lets the others go on", function()
    local ticks, inner = 0, nil
    support.run(function()
      local ticker = fiber.spawn(function()
        while true do
          ticks = ticks + 1
          coroutine.yield()
        end
      end)
      inner = fiber.run(function()
        fiber.sleep(0.01)
        return "inner"
      end)
      fiber.cancel(ticker)
    end)
    assert.equal("inner", inner)
    assert.is_true(ticks > 1)
  end)

  it("a plain coroutine.yield lets the other fibers go first", function()
    local order = {}
    fiber.run(function()
      for i = 1, 3 do
        fiber.spawn(function()
          for round = 1, 2 do
            order[#order + 1] = round .. "." .. i
            coroutine.yield()
          end
        end)
      end
    end)
    assert.same({ "1.1", "1.2", "1.3", "2.1", "2.2", "2.3" }, order)
  end)

  it("1,000 fibers sleep at the same time", function()
    local started, ended = core.time.clock(), 0
    fiber.run(function()
      for _ = 1, 1000 do
        fiber.spawn(function()
          fiber.sleep(0.1)
          ended = ended + 1
        end)
      end
    end)
    local seconds = core.time.clock() - started
    assert.equal(1000, ended)
    assert.is_true(seconds >= 0.1 and seconds < 50, "took " .. seconds .. " s")
  end)

  it("a coroutine of the user's own may wait, inside a fiber and outside", function()
    local function lines_of_a_process()
      return coroutine.wrap(function()
        local child <close> = assert(process.spawn { "printf", "a\\nb\\n" })
        for line in child:lines() do coroutine.yield(line) end
        child:wait()
        coroutine.yield(nil)
      end)
    end
    local function collect()
      local all = {}
      for line in lines_of_a_process() do all[#all + 1] = line end
      return all
    end
    for where, run in pairs(support.modes) do assert.same({ "a", "b" }, run(collect), where) end
  end)

  it("while such a coroutine waits, every other fiber goes on", function()
    local order = {}
    support.run(function()
      local bell = fiber.bell()
      fiber.spawn(function()
        coroutine.wrap(function() bell:wait() end)()
        order[#order + 1] = "heard"
      end)
      fiber.spawn(function()
        order[#order + 1] = "rung"
        bell:ring()
      end)
    end)
    assert.same({ "rung", "heard" }, order)
  end)

  it("current is the fiber that runs, and nil outside", function()
    assert.is_nil(fiber.current())
    fiber.run(function()
      local seen
      local other = fiber.spawn(function() seen = fiber.current() end)
      fiber.sleep(0)
      coroutine.yield()
      assert.equal(other, seen)
      assert.not_equal(other, fiber.current())
    end)
  end)

  -- The same function, the same result, in a loop script, in a REPL and in a plain program.
  for where, run in pairs(support.modes) do
    describe(where, function()
      it("sleep takes as long as it says", function()
        local started = core.time.clock()
        run(function() fiber.sleep(0.02) end)
        assert.is_true(core.time.clock() - started >= 0.02)
      end)

      it("a process is waited for", function()
        local result = run(function() return process.run { "sh", "-c", "echo out; exit 3" } end)
        assert.same({ 3, "out\n" }, { result.code, result.stdout })
      end)

      it("a bell is waited for", function()
        local bell = fiber.bell()
        local timer = core.loop.timer(0.01)
        local handle <close> = fiber.on_source(timer, function() bell:ring() end)
        run(function() bell:wait() end)
        assert.is_truthy(handle)
      end)

      it("a lock is waited for, at most as long as it was said", function()
        local held <close> = assert(lock(support.dir .. "/lock"))
        local answer = table.pack(run(function()
          return lock(support.dir .. "/lock", { wait = 0.02 })
        end))
        assert.same({ nil, "ELOCKED" }, { answer[1], answer[3] })
        assert.is_truthy(held)
      end)

      it("a group is waited for, and its errors are raised", function()
        local problem = run(function()
          local group <close> = fiber.group()
          group:spawn(fiber.sleep, 60)
          group:spawn(function() error "broken" end)
          return select(2, pcall(group.wait, group))
        end)
        assert.matches("broken", problem.message)
      end)

      it("waiting for what can never come is an error", function()
        local ok, problem = pcall(run, function() fiber.bell():wait() end)
        assert.is_false(ok)
        assert.equal("EDEADLOCK", problem.code)
        assert.matches("nothing can wake them", problem.message)
      end)
    end)
  end

  it("goes on after a deadlock", function()
    pcall(fiber.run, function()
      fiber.spawn(function() fiber.bell():wait() end)
      fiber.bell():wait()
    end)
    assert.equal(1, fiber.run(function()
      fiber.sleep(0)
      return 1
    end))
    local ok, problem = pcall(fiber.run, function() fiber.bell():wait() end)
    assert.same({ false, "EDEADLOCK" }, { ok, problem.code })
  end)

  it("a deadlock names the fibers and where they wait", function()
    local function waits_in_vain() fiber.bell():wait() end
    local line = debug.getinfo(waits_in_vain, "S").linedefined
    local _, problem = pcall(fiber.run, function()
      fiber.spawn(waits_in_vain)
      fiber.spawn(function()
        fiber.current().name = "the other one"
        fiber.bell():wait()
      end)
    end)
    local place = ("tests/lua/fiber_spec.lua:%d"):format(line)
    assert.matches(("fiber %s, waits at %s"):format(place, place), problem.message, 1, true)
    assert.matches("the other one, waits at tests/lua/fiber_spec.lua:", problem.message, 1, true)
  end)

  it("an error in a fiber has the traceback of it and of who waited for it", function()
    local function innermost() error "broken" end
    local line = debug.getinfo(innermost, "S").linedefined
    local _, problem = pcall(fiber.run, function()
      local group <close> = fiber.group()
      group:spawn(innermost)
      group:wait()
    end)
    local trace = tostring(problem)
    assert.matches("fiber_spec.lua:" .. line .. ": broken", trace, 1, true)
    local own = trace:find("in fiber tests/lua/fiber_spec.lua:" .. line, 1, true)
    assert.truthy(own and trace:find("in fiber", own + 1, true))
  end)

  it("a foreign event loop drives it by descriptor, timeout and step", function()
    local al = require "agentlua"
    assert.equal("integer", math.type(al.loop.fd()))
    local order = {}
    fiber.spawn(function()
      order[1] = "begun"
      fiber.sleep(0.01)
      order[2] = al.process.run({ "echo", "hello" }).stdout
    end)
    assert.equal(0, al.loop.timeout()) -- a fiber can go on
    al.loop.step()
    assert.same({ "begun" }, order)
    support.eventually(function()
      al.loop.step()
      return order[2]
    end, "the fiber has ended")
    assert.same({ "begun", "hello\n" }, order)
    fiber.spawn(error, "lost")
    assert.error_matches(function()
      for _ = 1, 3 do al.loop.step() end
    end, "lost")
  end)
end)
