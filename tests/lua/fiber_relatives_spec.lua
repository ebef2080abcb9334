local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

-- Fibers that cancel what they belong to: their group, their parent, themselves.
describe("fiber cancel among relatives", function()
  local order, begun
  before_each(support.setup)
  before_each(function() order, begun = {}, {} end)
  after_each(support.teardown)

  local function note(text) order[#order + 1] = text end
  -- Waits in a scope whose end is noted.
  local function wait_in(name)
    local mark <close> = support.mark(order, name)
    begun[name] = true
    fiber.sleep(60)
    note(tostring(mark))
  end
  local function until_waits(name) support.eventually(function() return begun[name] end, name) end

  it("reaches into nested groups, the innermost first", function()
    support.run(function()
      local top = fiber.spawn(function()
        local mark <close> = support.mark(order, "top")
        local group <close> = fiber.group()
        group:spawn(function()
          local middle <close> = support.mark(order, "middle")
          local nested <close> = fiber.group()
          nested:spawn(wait_in, "bottom")
          nested:wait()
          note(tostring(middle))
        end)
        group:wait()
        note(tostring(mark))
      end)
      until_waits "bottom"
      fiber.cancel(top)
      assert.is_true(top.done)
    end)
    assert.same({ "bottom", "middle", "top" }, order)
  end)

  it("by a child ends its parent, and the child with it", function()
    support.run(function()
      local parent
      parent = fiber.spawn(function()
        local mark <close> = support.mark(order, "parent")
        local group <close> = fiber.group()
        group:spawn(function()
          local child <close> = support.mark(order, "child")
          coroutine.yield()
          fiber.cancel(parent)
          note(tostring(child))
        end)
        group:spawn(wait_in, "sibling")
        group:wait()
        note(tostring(mark))
      end)
      support.eventually(function() return parent.done end, "the parent ends")
    end)
    table.sort(order)
    assert.same({ "child", "parent", "sibling" }, order)
  end)

  it("by a grandchild: the outermost group waits for what the grandchild leaves", function()
    local pid
    support.run(function()
      local group <close> = fiber.group()
      local top
      top = group:spawn(function()
        fiber.run(function()
          local child <close> = assert(process.spawn { "sleep", "60" })
          pid = child:pid()
          fiber.cancel(top)
          note "not reached"
        end)
      end)
      group:wait()
      assert.is_false(support.alive(pid))
    end)
    assert.same({}, order)
  end)

  it("of a group by one of its fibers ends all of them, that one too", function()
    support.run(function()
      local group <close> = fiber.group()
      for i = 1, 4 do group:spawn(wait_in, "sleeper " .. i) end
      group:spawn(function()
        local mark <close> = support.mark(order, "canceller")
        coroutine.yield()
        group:cancel()
        note(tostring(mark))
      end)
      for i = 5, 8 do group:spawn(wait_in, "sleeper " .. i) end
      group:wait()
    end)
    assert.equal(9, #order)
    assert.equal("canceller", order[9])
  end)

  it("of a parent in the <close> handler of its child closes each once", function()
    support.run(function()
      local group <close> = fiber.group()
      local parent
      parent = group:spawn(function()
        local mark <close> = support.mark(order, "parent")
        local children <close> = fiber.group()
        children:spawn(function()
          local handler <close> = setmetatable({}, { __close = function()
            fiber.cancel(parent)
            note "child"
          end })
          wait_in "sleep"
          note(tostring(handler))
        end)
        children:wait()
        note(tostring(mark))
      end)
      until_waits "sleep"
      fiber.cancel(parent)
      group:wait()
      assert.equal(0, group.count)
    end)
    table.sort(order)
    assert.same({ "child", "parent", "sleep" }, order)
  end)

  it("of a fiber that waits for a place in a full group", function()
    support.run(function()
      local group <close> = fiber.group { limit = 1 }
      group:spawn(wait_in, "first")
      local spawner = fiber.spawn(function() group:spawn(note, "second") end)
      until_waits "first"
      fiber.cancel(spawner)
      group:cancel()
      group:wait()
    end)
    assert.same({ "first" }, order)
  end)

  it("of a fiber that waits in a coroutine of its own", function()
    support.run(function()
      local group <close> = fiber.group()
      local other = group:spawn(function()
        local mark <close> = support.mark(order, "closed")
        coroutine.wrap(function()
          pcall(fiber.sleep, 60)
          fiber.sleep(60)
        end)()
        note(tostring(mark))
      end)
      group:spawn(function()
        fiber.sleep(0.01)
        fiber.cancel(other)
      end)
      group:wait()
    end)
    assert.same({ "closed" }, order)
  end)

  it("of a fiber whose own coroutine cancels it ends it when it next waits", function()
    support.run(function()
      local other = fiber.spawn(function()
        local mark <close> = support.mark(order, "closed")
        local this = fiber.current()
        coroutine.wrap(function() fiber.cancel(this) end)()
        note "still here"
        fiber.sleep(60)
        note(tostring(mark))
      end)
      support.eventually(function() return other.done end, "the fiber ends")
    end)
    assert.same({ "still here", "closed" }, order)
    local _, problem = pcall(fiber.run, function() fiber.bell():wait() end)
    assert.equal("EDEADLOCK", problem.code) -- nobody is thought to wait any more
  end)
end)
