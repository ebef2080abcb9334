local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local support = require "support"

describe("fiber failure", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("one failure cancels the others and is raised by wait, with where it came from", function()
    local order = {}
    local function culprit() errors.check(nil, "no more paper", "ENOPAPER") end
    local ok, problem = pcall(support.run, function()
      local group <close> = fiber.group()
      group:spawn(function()
        local mark <close> = support.mark(order, "other closed")
        fiber.sleep(60)
        order[#order + 1] = tostring(mark)
      end)
      group:spawn(function()
        fiber.sleep(0.01)
        culprit()
      end)
      group:wait()
      order[#order + 1] = "not reached"
    end)
    assert.is_false(ok)
    assert.same({ "other closed" }, order)
    assert.same({ "ENOPAPER", "no more paper" }, { problem.code, problem.message })
    assert.matches("culprit", problem.traceback)
  end)

  it("of several failures the first is raised", function()
    local ok, problem = pcall(support.run, function()
      local group <close> = fiber.group()
      for i = 1, 3 do group:spawn(function() error("failure " .. i, 0) end) end
      group:wait()
    end)
    assert.same({ false, "failure 1" }, { ok, problem.message })
  end)

  it("a failure in a nested group comes up through all of them", function()
    local order = {}
    local ok, problem = pcall(support.run, function()
      local outer <close> = fiber.group()
      outer:spawn(function()
        local mark <close> = support.mark(order, "between")
        local inner <close> = fiber.group()
        inner:spawn(error, "deep", 0)
        inner:wait()
        order[#order + 1] = tostring(mark)
      end)
      outer:wait()
    end)
    assert.same({ false, "deep" }, { ok, problem.message })
    assert.same({ "between" }, order)
  end)

  it("wait may be caught, and the group used again", function()
    local again = false
    support.run(function()
      local group <close> = fiber.group()
      group:spawn(error, "once", 0)
      assert.is_false(pcall(group.wait, group))
      local fresh <close> = fiber.group()
      fresh:spawn(function() again = true end)
      fresh:wait()
    end)
    assert.is_true(again)
  end)
end)
