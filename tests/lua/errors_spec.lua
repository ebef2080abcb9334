local errors = require "agentlua.errors"

describe("errors", function()
  local function raised(...)
    local ok, problem = pcall(...)
    assert.is_false(ok)
    return problem
  end

  it("a value has code, message and exit, and shows its message", function()
    local problem = errors.new("ENOTHING", "there is nothing; look elsewhere")
    assert.same({ "ENOTHING", 1 }, { problem.code, problem.exit })
    assert.equal("there is nothing; look elsewhere", tostring(problem))
    assert.equal(3, errors.new("E", "m", 3).exit)
    assert.is_true(errors.is(problem))
    for _, other in ipairs { "text", 5, {}, { code = "E", message = "m" } } do
      assert.is_false(errors.is(other))
    end
  end)

  it("usage raises the user's mistake: exit 2", function()
    local problem = raised(errors.usage, "EUSAGE", "not so")
    assert.same({ "EUSAGE", "not so", 2 }, { problem.code, problem.message, problem.exit })
  end)

  it("check returns all values of what went well", function()
    assert.same({ n = 5, "a", nil, "b", 1, nil }, table.pack(errors.check("a", nil, "b", 1, nil)))
    assert.equal(false, (errors.check(false)))
    assert.equal("", (errors.check("")))
  end)

  it("check raises nil, message, code as a value", function()
    local problem = raised(errors.check, nil, "no such thing", "ENOENT")
    assert.same({ "ENOENT", "no such thing", 1 }, { problem.code, problem.message, problem.exit })
    assert.equal("EFAILED", raised(errors.check, nil, "because").code)
    assert.equal("EIO", raised(errors.check, false, "because", "EIO").code)
  end)

  it("check_usage raises it as the user's mistake", function()
    assert.equal("a", errors.check_usage("a"))
    local problem = raised(errors.check_usage, nil, "no such task", "ENOENT")
    assert.same({ "ENOENT", 2 }, { problem.code, problem.exit })
  end)

  it("try returns what the function returns", function()
    local results = table.pack(errors.try(function(...) return ... end, 1, nil, 3))
    assert.same({ n = 4, true, 1, nil, 3 }, results)
  end)

  it("try makes a value of any error, with where it came from", function()
    local function culprit() error "broken" end
    local ok, problem = errors.try(function()
      culprit()
      return "never"
    end)
    assert.is_false(ok)
    assert.equal("ESCRIPT", problem.code)
    assert.matches("errors_spec.lua:%d+: broken", problem.message)
    assert.matches("culprit", problem.traceback)
    assert.matches("broken\nstack traceback:", tostring(problem))
  end)

  it("try keeps code and exit of an error value", function()
    local _, problem = errors.try(errors.usage, "EUSAGE", "not so")
    assert.same({ "EUSAGE", "not so", 2 }, { problem.code, problem.message, problem.exit })
  end)

  it("try survives what is no text, also what cannot be shown", function()
    local hidden = setmetatable({}, { __tostring = function() error {} end })
    for value, text in pairs {
      [5] = "number value: 5", [hidden] = "table value: ?", [print] = "function value",
    } do
      local ok, problem = errors.try(error, value)
      assert.is_false(ok)
      assert.matches(text, problem.message, 1, true)
    end
    local _, problem = errors.try(error)
    assert.matches("nil value", problem.message)
  end)
end)
