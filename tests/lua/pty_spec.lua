local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"

describe("pty", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function spawn(options)
    if options.pty == nil then options.pty = true end
    return assert(process.spawn(options))
  end

  -- Reads until the child has said `text`; returns all that it said.
  local function hear(child, text)
    local said = ""
    while not said:find(text, 1, true) do said = said .. assert(child:read(), "never said: " .. text) end
    return said
  end

  for where, run in pairs(support.modes) do
    it("is the terminal of the child, with the size given, " .. where, function()
      run(function()
        local child <close> = spawn { "sh", "-c", "tty; stty size; echo > /dev/tty; test -t 2", pty = { cols = 120 } }
        local lines = child:lines()
        assert.truthy(lines():find "^/dev/pts/%d+\r$")
        assert.equal("24 120\r", lines())
        assert.equal("\r", lines())
        assert.is_nil(lines())
        assert.equal(0, child:wait().code)
      end)
    end)

    it("is typed at, says whether it echoes, and takes a new size, " .. where, function()
      run(function()
        local child <close> = spawn { "sh", "-c", "stty -echo; echo ask; read x; stty echo size; echo [$x]; cat" }
        hear(child, "ask")
        assert.is_false(child:echoes())
        assert.is_true(child:resize(50, 90))
        assert.is_true(child:write "secret\r")
        local said = hear(child, "]")
        assert.truthy(said:find("50 90\r\n[secret]", 1, true), said)
        assert.is_true(child:echoes())
        child:close_stdin()
        assert.equal(0, child:wait().code)
      end)
    end)
  end

  it("Ctrl-C is a signal", function()
    local child <close> = spawn { "sh", "-c", "echo ready; exec sleep 60" }
    hear(child, "ready")
    child:write "\3"
    assert.equal(2, child:wait().signal)
  end)

  it("run returns what was printed; a file gets it too", function()
    local file = support.dir .. "/log"
    local result = assert(process.run { "sh", "-c", "echo out; echo err >&2", pty = true, stdout_file = file })
    assert.same({ "out\r\nerr\r\n", "" }, { result.stdout, result.stderr })
    assert.equal("out\r\nerr\r\n", core.fs.read(file))
  end)

  it("bounds and the stop plan hold; a cancelled fiber leaves nothing", function()
    assert.equal("idle", process.run({ "sh", "-c", "echo x; cat", pty = true, idle = 0.2 }).bound)
    local pid = support.in_time(function(seconds)
      local pid
      assert.is_nil(fiber.timeout(seconds, function()
        local child <close> = spawn { "sh", "-c", "trap '' TERM HUP; sleep 60 & cat", grace = 0.2 }
        pid = child:pid()
        child:wait()
      end))
      return pid
    end)
    assert.is_false(support.alive(pid))
  end)

  it("what cannot be is refused with a reason", function()
    for _, options in ipairs {
      { "true", pty = true, contain = false }, { "true", pty = true, stderr = "merge" }, { "true", pty = { rows = 0 } },
    } do
      local child, message, code = process.spawn(options)
      assert.same({ nil, "EINVAL" }, { child, code })
      assert.truthy(message:find "pty", message)
    end
    assert.error(function() process.spawn { "true", pty = "yes" } end)
  end)

  -- Runs a script under the host at a terminal of its own.
  local function at_terminal(text)
    return spawn { support.host, "run", support.write("script.lua", text), env = { XDG_STATE_HOME = support.dir } }
  end

  it("modes of the user's terminal are put back, also after an error", function()
    for _, ending in ipairs { "", "error 'on purpose'", "input:close() io.read()" } do
      local child <close> = at_terminal([[
        local core = require "agentlua.core"
        input = core.terminal.open()
        print(input:is_terminal(), input:size())
        assert(input:set "hidden")
        print "hidden"
        local fiber = require "agentlua.fiber"
        while not input:read() do fiber.wait(input:id()) end
      ]] .. ending)
      assert.truthy(hear(child, "hidden"):find "true%s+24%s+80")
      assert.is_false(child:echoes())
      child:write "line\n"
      support.eventually(function() return child:echoes() end, "the echo is back")
      child:write "\n"
      child:wait()
    end
  end)
end)
