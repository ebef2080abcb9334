local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

local programs = support.source .. "/tests/fixtures/programs/"

-- State letter of a process: R, S, T (stopped), Z; nil when it is gone.
local function state(pid)
  local text = core.fs.read("/proc/" .. pid .. "/stat")
  return text and text:match "^.*%) (%u)"
end

describe("process child", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function spawn(options) return assert(process.spawn(options)) end

  for where, run in pairs(support.modes) do
    it("lines come one by one, as they are printed, " .. where, function()
      local seen = {}
      run(function()
        local child <close> = spawn {
          "sh", "-c", "while read x; do echo got $x; done", stdin_pipe = true,
        }
        local lines = child:lines()
        for _, word in ipairs { "one", "two" } do
          assert.is_true(child:write(word .. "\n"))
          seen[#seen + 1] = lines()
        end
        child:close_stdin()
        assert.is_nil(lines())
        assert.equal(0, child:wait().code)
      end)
      assert.same({ "got one", "got two" }, seen)
    end)
  end

  it("lines of stderr, and a last line without newline", function()
    local child <close> = spawn { "sh", "-c", "echo a >&2; printf b >&2; echo out" }
    local seen = {}
    for line in child:lines "err" do seen[#seen + 1] = line end
    assert.same({ "a", "b" }, seen)
    assert.equal("out\n", child:wait().stdout)
    assert.error(function() child:lines "log"() end)
  end)

  it("a line over 1 MiB comes cut and says so; the file has all of it", function()
    local out = support.dir .. "/out"
    local child <close> = spawn {
      "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", stdout_file = out,
    }
    local lines = child:lines()
    local first, cut = lines()
    assert.same({ 1 << 20, true }, { #first, cut })
    assert.same({ "end" }, { lines() })
    assert.is_nil(lines())
    child:wait()
    assert.equal(3000000 + 5, #core.fs.read(out))
  end)

  it("read returns what there is, and nil at the end", function()
    local child <close> = spawn {
      "sh", "-c", "printf abc; read x; printf def; printf E >&2", stdin_pipe = true,
    }
    assert.equal("abc", child:read())
    child:write "\n"
    assert.equal("def", child:read())
    assert.is_nil(child:read())
    assert.equal("E", child:read "err")
    assert.is_nil(child:read "err")
    child:wait()
  end)

  it("write queues more than a pipe holds", function()
    local text = ("x"):rep(1 << 20)
    local child <close> = spawn { "wc", "-c", stdin_pipe = true }
    for _ = 1, 3 do child:write(text) end
    child:close_stdin()
    assert.equal(3 << 20, tonumber(child:wait().stdout))
  end)

  it("write to one that has ended is no error", function()
    local child <close> = spawn { "true", stdin_pipe = true }
    child:wait()
    child:write "late"
    child:close_stdin()
  end)

  it("wait returns what nobody has read, and may be called again", function()
    local child <close> = spawn { "sh", "-c", "echo one; echo two; exit 2" }
    assert.equal("one", child:lines()())
    local result = child:wait()
    assert.same({ "two\n", 2 }, { result.stdout, result.code })
    assert.equal(2, child:wait().code)
    assert.is_true(child:finished())
  end)

  it("pid is the program's own", function()
    local child <close> = spawn { "sh", "-c", "echo $$" }
    assert.equal(child:pid(), tonumber((child:lines()())))
    child:wait()
  end)

  it("stop says TERM first, and KILL after the grace", function()
    local script = "trap 'echo term; exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    local child <close> = spawn { "sh", "-c", script }
    local lines = child:lines()
    assert.equal("ready", lines())
    child:stop()
    assert.equal("term", lines())
    assert.equal(5, child:wait().code)

    local deaf <close> = spawn { programs .. "ignores_term.sh", "60", grace = 0.2 }
    deaf:lines()()
    local started = core.time.clock()
    deaf:stop()
    assert.equal(9, deaf:wait().signal)
    assert.is_true(core.time.clock() - started >= 0.2)
  end)

  it("stop again, and kill, do not wait for the grace", function()
    for _, again in ipairs { "stop", "kill" } do
      local deaf <close> = spawn { programs .. "ignores_term.sh", "60", grace = 60 }
      deaf:lines()()
      if again == "stop" then deaf:stop() end
      deaf[again](deaf)
      assert.equal(9, deaf:wait().signal)
      assert.is_true(deaf:wait().seconds < support.soon)
    end
  end)

  it("pause and resume reach the whole tree", function()
    local child <close> = spawn { "sh", "-c", "sleep 60 & echo $!; wait" }
    local grandchild = child:lines()()
    local function both(letter)
      return function() return state(child:pid()) == letter and state(grandchild) == letter end
    end
    child:pause()
    support.eventually(both "T", "both stop")
    child:resume()
    support.eventually(both "S", "both go on")
    child:pause()
    support.eventually(both "T", "both stop again")
    child:stop() -- a paused one can be stopped
    child:wait()
    assert.is_false(support.alive(grandchild))
  end)

  it("leaving its scope stops it; outside of a fiber that is waited for", function()
    local pid
    do
      local child <close> = spawn { "sleep", "60" }
      pid = child:pid()
    end
    assert.is_false(support.alive(pid))
  end)

  it("leaving its scope stops it; in a fiber the group waits for it", function()
    local pid
    support.run(function()
      local group <close> = fiber.group()
      group:spawn(function()
        local child <close> = spawn { programs .. "ignores_term.sh", "60", grace = 0.1 }
        child:lines()()
        pid = child:pid()
      end)
      group:wait()
      assert.is_false(support.alive(pid))
    end)
  end)

  it("cancelled while it starts: nothing of it is left", function()
    for turns = 0, 3 do
      support.run(function()
        local group <close> = fiber.group()
        local starter = group:spawn(function()
          local child <close> = spawn { "sleep", "60" }
          child:wait()
        end)
        for _ = 1, turns do coroutine.yield() end
        fiber.cancel(starter)
        group:wait()
        assert.same({}, support.children())
      end)
    end
  end)

  it("cancelled while it is waited for: the group waits until it is gone", function()
    support.run(function()
      local group <close> = fiber.group()
      local pid
      local waiter = group:spawn(function()
        local child <close> = spawn { programs .. "ignores_term.sh", "60", grace = 0.1 }
        child:lines()()
        pid = child:pid()
        child:wait()
      end)
      support.eventually(function() return pid end, "the program runs")
      fiber.cancel(waiter)
      assert.is_true(waiter.done)
      group:wait()
      assert.is_false(support.alive(pid))
    end)
  end)

  it("forgotten without being closed: the collector stops it", function()
    local pid = spawn({ "sleep", "60" }):pid()
    support.eventually(function()
      collectgarbage()
      return not support.alive(pid)
    end, "the process ends")
    support.eventually(function() return next(support.children()) == nil end, "the reaper ends")
  end)
end)
