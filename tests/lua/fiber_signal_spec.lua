local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

-- Sends a signal to this Lua. WINCH: its default is to do nothing.
local function send(name)
  assert(process.run { "kill", "-" .. name, tostring(support.pid), contain = false })
end

describe("fiber timeout", function()
  before_each(support.setup)
  after_each(support.teardown)

  for where, run in pairs(support.modes) do
    it("returns what the function returns in time, " .. where, function()
      local results = table.pack(run(function()
        return fiber.timeout(10, function(...)
          fiber.sleep(0.001)
          return ...
        end, 1, nil, 3)
      end))
      assert.same({ n = 3, 1, nil, 3 }, results)
    end)

    it("ends the function and returns ETIMEDOUT when it takes longer, " .. where, function()
      local order = {}
      local started = core.time.clock()
      local value, message, code = run(function()
        return fiber.timeout(0.02, function()
          local mark <close> = support.mark(order, "closed")
          while true do pcall(fiber.sleep, 60) end
          return mark
        end)
      end)
      assert.same({ "ETIMEDOUT", "closed" }, { code, order[1] })
      assert.is_nil(value)
      assert.matches("0.02 s", message)
      assert.is_true(core.time.clock() - started < 5)
    end)

    it("raises what the function raises, " .. where, function()
      local ok, problem = pcall(run, function() return fiber.timeout(10, error, "broken", 0) end)
      assert.same({ false, "broken" }, { ok, problem.message })
    end)
  end

  it("waits until a process that it ended is gone", function()
    local pid
    local _, _, code = support.run(function()
      return fiber.timeout(0.1, function()
        local child <close> = assert(process.spawn { "sleep", "60" })
        pid = child:pid()
        child:wait()
      end)
    end)
    assert.equal("ETIMEDOUT", code)
    assert.is_false(support.alive(pid))
  end)

  it("waits for what is still ending, also when the time is up meanwhile", function()
    local pid
    local _, _, code = support.run(function()
      return fiber.timeout(0.2, function()
        local group <close> = fiber.group()
        group:spawn(function()
          local child <close> = assert(process.spawn {
            support.source .. "/tests/fixtures/programs/ignores_term.sh", "60", grace = 0.6,
          })
          child:lines()()
          pid = child:pid()
        end)
        group:wait() -- it ignores TERM: this takes the grace
      end)
    end)
    assert.equal("ETIMEDOUT", code)
    assert.is_false(support.alive(pid))
  end)

  it("what the function spawns is part of it, in time and out of time", function()
    local order = {}
    support.run(function()
      local value = fiber.timeout(10, function()
        fiber.spawn(function()
          fiber.sleep(0.01)
          order[#order + 1] = "spawned ended"
        end)
        return "value"
      end)
      assert.equal("value", value)
      assert.equal("ETIMEDOUT", select(3, fiber.timeout(0.02, function()
        fiber.spawn(function()
          local mark <close> = support.mark(order, "spawned closed")
          fiber.sleep(60)
          return mark
        end)
      end)))
    end)
    assert.same({ "spawned ended", "spawned closed" }, order)
  end)

  it("nested: the inner end is not the outer one", function()
    support.run(function()
      local inner
      local value = fiber.timeout(10, function()
        inner = select(3, fiber.timeout(0.01, fiber.sleep, 60))
        return "went on"
      end)
      assert.same({ "went on", "ETIMEDOUT" }, { value, inner })
      assert.equal("ETIMEDOUT", select(3, fiber.timeout(0.01, fiber.timeout, 10, fiber.sleep, 60)))
    end)
  end)

  it("of a function that cancels itself raises ECANCELED", function()
    local ok, problem = pcall(support.run, function()
      fiber.timeout(10, function() fiber.cancel(fiber.current()) end)
    end)
    assert.same({ false, "ECANCELED" }, { ok, problem.code })
  end)
end)

describe("fiber bell", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("that has rung before is not waited for, once", function()
    local bell = fiber.bell()
    bell:ring()
    bell:ring()
    bell:wait()
    assert.equal("ETIMEDOUT", select(3, bell:wait(0.01)))
  end)

  it("wakes who waits", function()
    local order = {}
    support.run(function()
      local bell = fiber.bell()
      fiber.spawn(function()
        for i = 1, 3 do
          bell:wait(10)
          order[#order + 1] = "heard " .. i
        end
      end)
      for _ = 1, 3 do
        fiber.sleep(0.005)
        bell:ring()
      end
    end)
    assert.same({ "heard 1", "heard 2", "heard 3" }, order)
  end)
end)

describe("fiber on", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("calls a function whenever the signal comes, until it is closed", function()
    local counts, bell = { 0, 0 }, fiber.bell()
    local function handler(i)
      return function()
        counts[i] = counts[i] + 1
        bell:ring()
      end
    end
    local first = fiber.on("WINCH", handler(1))
    local second <close> = fiber.on("SIGWINCH", handler(2))
    local function both() return counts[1] == 1 and counts[2] == 1 end
    send "WINCH"
    support.eventually(both, "both handlers are called")
    first.close()
    send "WINCH"
    support.eventually(function() return counts[2] == 2 end, "the other handler is called")
    assert.same({ 1, 2 }, counts)
    assert.is_truthy(second)
  end)

  it("an error in a handler ends what waits, and is raised there with a traceback", function()
    local order = {}
    local handle <close> = fiber.on("WINCH", function() error "bad handler" end)
    for where, run in pairs(support.modes) do
      local ok, problem = pcall(run, function()
        local mark <close> = support.mark(order, where)
        send "WINCH"
        fiber.sleep(60)
        return mark, handle
      end)
      assert.is_false(ok, where)
      assert.matches("bad handler", problem.message)
      assert.matches("fiber_signal_spec", problem.traceback)
    end
    assert.equal(2, #order)
  end)

  it("a name that is no signal raises", function()
    assert.error_matches(function() fiber.on("NOSUCH", print) end, "unknown signal NOSUCH")
  end)
end)

describe("fiber spawn outside of fibers", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("runs while something waits", function()
    local ran = false
    fiber.spawn(function() ran = true end)
    fiber.sleep(0.01)
    assert.is_true(ran)
  end)

  it("an error is raised where the program waits, once", function()
    fiber.spawn(error, "unseen?", 0)
    local ok, problem = pcall(fiber.sleep, 60)
    assert.same({ false, "unseen?" }, { ok, problem.message })
    fiber.sleep(0.001)
  end)
end)
