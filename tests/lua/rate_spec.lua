local fiber = require "agentlua.fiber"
local rate = require "agentlua.limit.rate"
local state = require "agentlua.state"
local support = require "support"

describe("starts of an account", function()
  local boot, boot_id
  local real = {}
  before_each(function()
    support.setup()
    for name, clock in pairs(state.clock) do real[name] = clock end
    boot, boot_id = 5000, "first"
    state.clock.boot = function() return boot end
    state.clock.boot_id = function() return boot_id end
    real.dir, state.dir = state.dir, function() return support.dir .. "/state" end
  end)
  after_each(function()
    state.dir, real.dir = real.dir, nil
    for name, clock in pairs(real) do state.clock[name] = clock end
    support.teardown()
  end)

  it("come evenly, whoever takes them", function()
    local one, other = rate.bucket { name = "a", per_minute = 6 }, rate.bucket { name = "a", per_minute = 6 }
    assert.is_true(one:take())
    assert.same({ nil, 10 }, { other:take() })
    assert.equal(10, one:remaining())
    assert.is_true(rate.bucket({ name = "b", per_minute = 6 }):take()) -- another account
    boot = boot + 9
    assert.same({ nil, 1 }, { other:take() })
    boot = boot + 1
    assert.is_true(other:take())
    assert.is_nil((one:take()))
    boot = boot + 600 -- what was not used is not saved up
    assert.is_true(one:take())
    assert.is_nil((one:take()))
  end)

  it("may come at once as many as `burst` says", function()
    local bucket = rate.bucket { name = "a", per_minute = 6, burst = 3 }
    for _ = 1, 3 do assert.is_true(bucket:take()) end
    assert.same({ nil, 10 }, { bucket:take() })
  end)

  it("do not wait for what was before the machine was started, or cannot be true", function()
    local bucket = rate.bucket { name = "a", per_minute = 0.01 }
    assert.is_true(bucket:take())
    boot, boot_id = 3, "second"
    assert.is_true(bucket:take())
    for _, text in ipairs { "x", "[]", '{"a":5}', '{"a":{"next":"x"}}', '{"a":{"next":1e300,"boot":"second"}}' } do
      support.write("state/starts.json", text)
      assert.is_true(bucket:take(), text)
    end
  end)

  it("wait() takes the next one, or none when it is told to stop", function()
    for name, clock in pairs(real) do
      if name ~= "dir" then state.clock[name] = clock end
    end
    local bucket = rate.bucket { name = "a", per_minute = 300 }
    support.run(function()
      local started = real.boot()
      for _ = 1, 3 do assert.is_true(bucket:wait()) end
      assert.is_true(real.boot() - started >= 0.39)
      assert.is_false(bucket:wait(function() return true end))
      local asked = 0
      fiber.spawn(function() asked = asked + 1 end)
      assert.is_false(rate.bucket({ name = "a", per_minute = 0.1 }):wait(function() return asked > 0 end))
    end)
  end)

  it("never have more running than places; one that is closed is free again", function()
    local settings = { running = 2 }
    local first <close> = assert(rate.admit("a", settings))
    local second = assert(rate.admit("a", settings))
    assert.is_true(first.fd() ~= second.fd())
    local third, seconds = rate.admit("a", settings)
    assert.is_nil(third)
    assert.is_true(seconds > 0 and rate.remaining("a", settings) > 0)
    assert(rate.admit("b", settings)):close()
    second:close()
    assert.equal(0, rate.remaining("a", settings))
    assert(rate.admit("a", settings)):close()
  end)

  it("that are refused for their number take no place, and the other way round", function()
    local settings = { running = 1, per_minute = 6 }
    assert(rate.admit("a", settings)):close()
    assert.is_nil((rate.admit("a", settings)))
    assert.equal(0, rate.remaining("a", { running = 1 }))
    boot = boot + 10
    local place <close> = assert(rate.admit("a", { running = 1 }))
    assert.is_nil((rate.admit("a", settings)))
    assert.equal(0, rate.remaining("a", { per_minute = 6 }))
    place:close()
  end)

  it("are not held back without settings", function()
    local place <close> = assert(rate.admit("a"))
    assert.is_nil(place.fd())
    assert.equal(0, rate.remaining("a"))
  end)
end)
