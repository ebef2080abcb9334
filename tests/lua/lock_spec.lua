local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local lock = require "agentlua.lock"
local process = require "agentlua.process"
local support = require "support"

describe("lock", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.dir .. "/deep/lock" end)
  after_each(support.teardown)

  it("is held by one at a time; the file stays", function()
    local first = assert(lock(path))
    local second, message, code = lock(path)
    assert.same({ nil, "ELOCKED" }, { second, code })
    assert.matches(path .. "' is locked by another process", message, 1, true)
    first:close()
    assert.is_truthy(core.fs.stat(path))
    assert(lock(path)):close()
  end)

  it("is freed when its scope ends, also by an error", function()
    pcall(function()
      local guard <close> = assert(lock(path))
      error(guard)
    end)
    assert(lock(path)):close()
  end)

  it("waits until it is free, while other fibers go on", function()
    local order = {}
    support.run(function()
      local first = assert(lock(path))
      fiber.spawn(function()
        local second <close> = assert(lock(path, { wait = 10 }))
        order[#order + 1] = second and "second"
      end)
      coroutine.yield()
      order[#order + 1] = "first"
      first:close()
    end)
    assert.same({ "first", "second" }, order)
  end)

  it("gives up when the time is over", function()
    local guard <close> = assert(lock(path))
    local started = core.time.clock()
    assert.equal("ELOCKED", select(3, lock(path, { wait = 0.1 })))
    assert.is_true(core.time.clock() - started >= 0.1)
    assert.is_truthy(guard)
  end)

  it("is freed by the kernel when its holder is killed", function()
    support.run(function()
      local script = support.write("hold.lua", [[
        local al = require "agentlua"
        local guard = al.lock(arg[1])
        print "held"
        io.stdout:flush()
        al.sleep(60)
      ]])
      local child <close> = assert(process.spawn { support.host, "run", script, path })
      assert.equal("held", child:lines()())
      assert.equal("ELOCKED", select(3, lock(path)))
      child:kill()
      child:wait()
      assert(lock(path)):close()
    end)
  end)

  it("of a path that cannot be: nil, why, and a code", function()
    support.write("file", "")
    local guard, message, code = lock(support.dir .. "/file/lock")
    assert.same({ nil, "ENOTDIR" }, { guard, code })
    assert.matches("/file", message)
  end)
end)
