local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local support = require "support"

describe("fiber group", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("runs at most `limit` fibers at once, in the order of spawn", function()
    local now, most, order = 0, 0, {}
    support.run(function()
      local group <close> = fiber.group { limit = 3 }
      for i = 1, 12 do
        group:spawn(function(name)
          order[#order + 1] = name
          now = now + 1
          most = math.max(most, now)
          fiber.sleep(0.001 * (name % 4))
          now = now - 1
        end, i)
      end
      group:wait()
    end)
    assert.equal(3, most)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, order)
  end)

  it("spawn waits while the group is full, and goes on with the first place", function()
    local events = {}
    support.run(function()
      local group <close> = fiber.group { limit = 1 }
      local bell = fiber.bell()
      group:spawn(function()
        bell:wait()
        events[#events + 1] = "first ended"
      end)
      fiber.spawn(function() bell:ring() end)
      group:spawn(function() events[#events + 1] = "second began" end)
      events[#events + 1] = "spawned"
      group:wait()
    end)
    assert.same({ "first ended", "spawned", "second began" }, events)
  end)

  it("spawn into a group that stays full because it is waited for in it is a deadlock", function()
    local ok, problem = pcall(fiber.run, function()
      local group <close> = fiber.group { limit = 1 }
      group:spawn(function() group:spawn(print) end)
      group:wait()
    end)
    assert.same({ false, "EDEADLOCK" }, { ok, problem.code })
  end)

  it("hands arguments to the fiber, nil included", function()
    local seen
    fiber.run(function()
      local group <close> = fiber.group()
      group:spawn(function(...) seen = table.pack(...) end, nil, 2, nil)
      group:wait()
    end)
    assert.same({ n = 3, nil, 2, nil }, seen)
  end)

  it("wait returns when every fiber has ended", function()
    local ended = 0
    support.run(function()
      local group <close> = fiber.group()
      for i = 1, 3 do
        group:spawn(function()
          fiber.sleep(i / 1000)
          ended = ended + 1
        end)
      end
      group:wait()
      assert.equal(3, ended)
    end)
  end)

  it("wait of an empty group returns at once, also again", function()
    support.run(function()
      local group <close> = fiber.group()
      group:wait()
      group:wait()
    end)
  end)

  it("wait_any returns when one fiber has ended", function()
    support.run(function()
      local group <close> = fiber.group()
      local quick = group:spawn(fiber.sleep, 0.01)
      local slow = group:spawn(fiber.sleep, 60)
      group:wait_any()
      assert.is_true(quick.done)
      assert.is_nil(slow.done)
      group:cancel()
      group:wait_any()
      assert.is_true(slow.done)
    end)
  end)

  it("leaving its scope cancels what still runs, and waits for what that leaves", function()
    local order = {}
    local started = core.time.clock()
    support.run(function()
      local group <close> = fiber.group()
      group:spawn(function()
        local mark <close> = support.mark(order, "closed")
        fiber.sleep(60)
        order[#order + 1] = tostring(mark)
      end)
      fiber.sleep(0.01)
    end)
    assert.same({ "closed" }, order)
    assert.is_true(core.time.clock() - started < support.soon)
  end)

  it("ends with the fiber that made it, also when that never closes it", function()
    local order, orphan = {}, nil
    support.run(function()
      local maker = fiber.spawn(function()
        local group = fiber.group()
        orphan = group:spawn(function()
          local mark <close> = support.mark(order, "closed")
          fiber.sleep(60)
          order[#order + 1] = tostring(mark)
        end)
        coroutine.yield()
      end)
      support.eventually(function() return maker.done end, "the maker ends")
      assert.is_true(orphan.done)
    end)
    assert.same({ "closed" }, order)
  end)

  it("waits for things that its fibers hand over while they end", function()
    local closed = 0
    -- A thing that is ending: it has finished when its timer has run out.
    local function ending(seconds)
      local timer, over = core.loop.timer(seconds), false
      return {
        id = function() return timer:id() end,
        finished = function()
          over = over or timer:take()
          return over
        end,
        close = function()
          closed = closed + 1
          timer:close()
        end,
      }
    end
    for where, run in pairs(support.modes) do
      closed = 0
      run(function()
        local group <close> = fiber.group()
        for i = 1, 3 do group:spawn(function() fiber.adopt(ending(i / 100)) end) end
        group:wait()
        assert.equal(3, closed, where)
      end)
      assert.equal(3, closed, where)
    end
    fiber.adopt(ending(0.01)) -- outside of a fiber: at once
    assert.equal(4, closed)
  end)
end)
