local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

-- Sends a signal to this Lua. WINCH: its default is to do nothing.
local function send(name)
  assert(process.run { "kill", "-" .. name, tostring(support.pid), contain = false })
end

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
