local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

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
          for _ = 1, 1000 do pcall(fiber.sleep, 60) end
          order[#order + 1] = tostring(mark)
        end)
      end)
      assert.same({ "ETIMEDOUT", "closed" }, { code, order[1] })
      assert.is_nil(value)
      assert.matches("0.02 s", message)
      assert.is_true(core.time.clock() - started < support.soon)
    end)

    it("raises what the function raises, " .. where, function()
      local ok, problem = pcall(run, function() return fiber.timeout(10, error, "broken", 0) end)
      assert.same({ false, "broken" }, { ok, problem.message })
    end)
  end

  it("waits until a process that it ended is gone", function()
    local pid = support.run(function()
      return support.in_time(function(seconds)
        local pid
        local _, _, code = fiber.timeout(seconds, function()
          local child <close> = assert(process.spawn { "sleep", "60" })
          pid = child:pid()
          child:wait()
        end)
        assert.equal("ETIMEDOUT", code)
        return pid
      end)
    end)
    assert.is_false(support.alive(pid))
  end)

  it("waits for what is still ending, also when the time is up meanwhile", function()
    local pid = support.run(function()
      return support.in_time(function(seconds)
        local pid
        local _, _, code = fiber.timeout(seconds, function()
          local group <close> = fiber.group()
          group:spawn(function()
            local child <close> = assert(process.spawn {
              support.source .. "/tests/fixtures/programs/ignores_term.sh", "60", grace = 3 * seconds,
            })
            child:lines()()
            pid = child:pid()
          end)
          group:wait() -- it ignores TERM: this takes the grace
        end)
        assert.equal("ETIMEDOUT", code)
        return pid
      end)
    end)
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
