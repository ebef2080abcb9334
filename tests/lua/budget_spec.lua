local budget = require "agentlua.budget"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local support = require "support"

describe("budget", function()
  before_each(support.setup)
  after_each(support.teardown)

  local warned
  local function open(most, run)
    warned = {}
    local dir = support.dir .. "/runs/" .. (run or "a")
    core.fs.mkdir(dir)
    return budget.open(most, dir, function(over) warned[#warned + 1] = over.level .. " " .. over.figure end)
  end
  local function seen(turns, tokens, cost)
    return { turns = turns or 0, tokens_in = tokens or 0, tokens_out = 0, cost = cost }
  end
  local task = { id = "1" }

  it("without bounds is never reached", function()
    local meter = open({}).meter(task)
    assert.is_nil(meter.take(seen(1e9, 1e12, 1e9)))
    meter.close()
  end)

  it("is reached at its amount, and warned of once before", function()
    local meter = open({ attempt = { turns = 10 } }).meter(task)
    assert.is_nil(meter.take(seen(7)))
    assert.same({}, warned)
    assert.is_nil(meter.take(seen(8)))
    assert.is_nil(meter.take(seen(9)))
    assert.same({ "attempt turns" }, warned)
    assert.same({ level = "attempt", figure = "turns", used = 10, most = 10 }, meter.take(seen(10)))
    meter.close()
  end)

  it("of a run is shared by its attempts, of a task by those before", function()
    local all = open { run = { usd = 10 }, task = { usd = 5 } }
    local one, two = all.meter(task), all.meter { id = "2", attempts = { { cost = 2, ended_at = "x" } } }
    assert.is_nil(one.take(seen(0, 0, 4)))
    assert.is_nil(two.take(seen(0, 0, 2)))
    assert.equal("task", two.take(seen(0, 0, 3)).level)
    assert.is_nil(one.take(seen(0, 0, 4.5)))
    one.close()
    local three = all.meter { id = "3" }
    assert.equal("run", three.take(seen(0, 0, 2.5)).level)
    assert.equal("run", all.exhausted().level)
    two.close()
    three.close()
  end)

  it("takes back what a better figure corrects", function()
    local all = open { run = { usd = 10 } }
    local meter = all.meter(task)
    meter.take(seen(0, 0, 8))
    meter.take(seen(0, 0, 2))
    meter.close()
    assert.is_nil(all.meter(task).take(seen(0, 0, 7)))
  end)

  it("of a day knows of other runs", function()
    local first = open({ day = { tokens = 100 } }, "a").meter(task)
    first.take(seen(0, 60))
    first.close()
    local second = open({ day = { tokens = 100 } }, "b")
    assert.is_nil(second.exhausted())
    local meter = second.meter(task)
    assert.equal("day", meter.take(seen(0, 40)).level)
    meter.close()
    assert.equal(100, open({ day = { tokens = 100 } }, "c").exhausted().used)
  end)

  it("can be lowered, never raised", function()
    local most = { run = { usd = 10 } }
    local all = open(most)
    all.lower("run", { usd = 20, turns = 3 })
    most.run.usd = 1000
    local meter = all.meter({ id = "1", budget = { usd = 4 } }, { tokens = 50 })
    assert.equal("usd", meter.take(seen(0, 0, 4)).figure)
    assert.equal("tokens", meter.take(seen(0, 50, 1)).figure)
    assert.equal("turns", meter.take(seen(3, 0, 1)).figure)
    meter.close()
    assert.is_false(pcall(all.lower, "week", {}))
    local _, problem = pcall(all.lower, "week", {})
    assert.is_true(errors.is(problem))
  end)

  it("counts no attempts from before a person let the task go on", function()
    local old = { { cost = 5, ended_at = "x" }, { cost = 1, ended_at = "y" } }
    local all = open { task = { usd = 5 } }
    assert.is_not_nil(all.meter({ id = "1", attempts = old }).take(seen()))
    assert.is_nil(all.meter({ id = "1", attempts = old, budget_from = 1 }).take(seen()))
  end)
end)
