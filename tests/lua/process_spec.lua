local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local lock = require "agentlua.lock"
local process = require "agentlua.process"
local support = require "support"

local programs = support.source .. "/tests/fixtures/programs/"

describe("process run", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function run(options) return assert(process.run(options)) end
  local function stdout(options) return run(options).stdout end

  it("hands arguments over as they are: there is no shell", function()
    local words = { "$(id)", "a b", "*", "", "\"'\\", ";", "é\n" }
    local text = stdout { "printf", "[%s]", table.unpack(words) }
    assert.equal("[" .. table.concat(words, "][") .. "]", text)
    assert.equal("1 2.5", stdout { "printf", "%s %s", 1, 2.5 })
  end)

  it("tells how it ended", function()
    local result = run { "sh", "-c", "echo out; echo err >&2; exit 7" }
    assert.same({ 7, 0 }, { result.code, result.signal })
    assert.same({ "out\n", "err\n" }, { result.stdout, result.stderr })
    assert.is_true(result.seconds > 0 and result.seconds < support.soon)
    assert.is_nil(result.bound)
    result = run { "sh", "-c", "kill -USR1 $$" }
    assert.same({ -1, 10 }, { result.code, result.signal })
  end)

  it("many run at the same time", function()
    local sum = 0
    support.run(function()
      local group <close> = fiber.group()
      for i = 1, 40 do
        group:spawn(function()
          local text = stdout { "sh", "-c", "sleep 0.1; echo " .. i }
          sum = sum + tonumber(text)
        end)
      end
      group:wait()
    end)
    assert.equal(820, sum)
  end)

  it("cwd", function()
    assert.equal(support.dir .. "\n", stdout { "pwd", cwd = support.dir })
    local result, message, code = process.run { "pwd", cwd = support.dir .. "/missing" }
    assert.is_nil(result)
    assert.equal("ENOENT", code)
    assert.matches("directory '" .. support.dir .. "/missing' does not exist", message, 1, true)
  end)

  it("a program that cannot be started: nil, why, and a code", function()
    local function fails(name, code, ...)
      local result, message, given = process.run { name, cwd = support.dir }
      assert.is_nil(result)
      assert.equal(code, given)
      for _, text in ipairs { name, ... } do
        assert.truthy(message:find(text, 1, true), message)
      end
    end
    fails("agentlua-no-such-program", "ENOENT", "not found on PATH")
    fails("./missing", "ENOENT", "not found")
    support.write("plain", "#!/bin/sh\n", 420)
    fails("./plain", "EACCES", "not executable")
    support.write("headless", "echo no first line\n", 493)
    fails("./headless", "ENOEXEC", "#!/bin/sh")
    assert.equal("EINVAL", select(3, process.run {}))
  end)

  it("env is on top of ours; false takes one away", function()
    local text = stdout {
      "env", env = { TEST_A = "a=b c", TEST_B = 5, PATH = os.getenv "PATH", HOME = false },
    }
    local seen = {}
    for name, value in text:gmatch "([^=\n]+)=([^\n]*)\n" do
      assert.is_nil(seen[name], name .. " is there twice")
      seen[name] = value
    end
    assert.same({ "a=b c", "5", os.getenv "PATH" }, { seen.TEST_A, seen.TEST_B, seen.PATH })
    assert.is_nil(seen.HOME)
    assert.equal(os.getenv "HOME", stdout({ "sh", "-c", "echo $HOME" }):match "^(.*)\n$")
    assert.equal("EINVAL", select(3, process.run { "true", env = { ["A=B"] = "c" } }))
  end)

  it("stdin is empty unless it is given", function()
    assert.equal("", stdout { "cat" })
    assert.equal("hello\n", stdout { "cat", stdin = "hello\n" })
    local big = ("0123456789abcdef"):rep(1 << 17)
    assert.equal(core.text.sha256(big), stdout { "sha256sum", stdin = big }:match "%x+")
    assert.equal(0, run { "true", stdin = big }.code) -- nobody reads it: no matter
  end)

  it("stdout and stderr: discard, merge, inherit", function()
    local both = { "sh", "-c", "echo out; echo err >&2" }
    local function with(options) return run(table.move(both, 1, 3, 1, options)) end
    local result = with { stdout = "discard" }
    assert.same({ "", "err\n" }, { result.stdout, result.stderr })
    result = with { stderr = "discard" }
    assert.same({ "out\n", "" }, { result.stdout, result.stderr })
    result = with { stderr = "merge" }
    assert.same({ "out\nerr\n", "" }, { result.stdout, result.stderr })
    result = run { "sh", "-c", "exit 0", stdout = "inherit", stderr = "inherit" }
    assert.same({ 0, "" }, { result.code, result.stdout })
    assert.equal("EINVAL", select(3, process.run { "true", stdout = "nowhere" }))
  end)

  it("files get every byte, after what they held, whoever reads", function()
    local out, err = support.write("out", "before\n"), support.dir .. "/err"
    local script = "head -c 8388608 /dev/zero; echo end >&2"
    local result = run {
      "sh", "-c", script, stdout = "file", stdout_file = out, stderr = "file", stderr_file = err,
    }
    assert.same({ "", "" }, { result.stdout, result.stderr })
    assert.equal(7 + 8388608, #core.fs.read(out))
    assert.equal("end\n", core.fs.read(err))
    result = run { "sh", "-c", script, stdout_file = out, stderr_file = err }
    assert.same({ 8388608, "end\n" }, { #result.stdout, result.stderr })
    assert.equal(7 + 2 * 8388608, #core.fs.read(out))
    assert.equal("end\nend\n", core.fs.read(err))
  end)

  it("timeout ends it and is the bound", function()
    local result = run { "sleep", "60", timeout = 0.1 }
    assert.same({ "wall", 15 }, { result.bound, result.signal })
    assert.is_true(result.seconds < support.soon)
    assert.is_nil(run { "true", timeout = 30 }.bound)
  end)

  it("idle ends what prints nothing, and nothing else", function()
    support.in_time(function(seconds)
      local result = run { "sh", "-c", "echo one; sleep 60", idle = seconds }
      assert.equal("idle", result.bound)
      return result.stdout == "one\n"
    end)
    support.in_time(function(seconds)
      local busy = run { "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep $0; done", seconds / 4, idle = seconds }
      return busy.code == 0 and not busy.bound
    end)
  end)

  it("contained, the default: nothing that it started is left", function()
    local result = run {
      "sh", "-c", "setsid sleep 60 & echo $!; setsid sh -c 'sleep 60 & echo $!'",
    }
    local pids = 0
    for pid in result.stdout:gmatch "%d+" do
      pids = pids + 1
      assert.is_false(support.alive(pid))
    end
    assert.equal(2, pids)
  end)

  it("contain = false runs it as a child of this process", function()
    local script = { "sh", "-c", "echo $PPID" }
    assert.not_equal(support.pid, tonumber(stdout(script)))
    script.contain = false
    assert.equal(support.pid, tonumber(stdout(script)))
    assert.equal("wall", run { "sleep", "60", contain = false, timeout = 0.05 }.bound)
  end)

  it("hold keeps a lock until nothing of it is left", function()
    local path = support.dir .. "/lock"
    local guard = assert(lock(path))
    local child <close> = assert(process.spawn {
      programs .. "ignores_term.sh", "60", grace = 0.2, hold = { guard:fd() },
    })
    child:lines()()
    guard:close()
    assert.equal("ELOCKED", select(3, lock(path)))
    child:stop()
    assert.equal("ELOCKED", select(3, lock(path)))
    child:wait()
    assert(lock(path)):close()
  end)

  it("an unknown option, and one of a wrong type, raise and start nothing", function()
    local function raises(options, ...)
      options[1], options[2] = "touch", support.dir .. "/x"
      local ok, message = pcall(process.run, options)
      assert.is_false(ok)
      for _, text in ipairs { ... } do assert.truthy(message:find(text, 1, true), message) end
    end
    raises({ timout = 5 }, "unknown option 'timout'")
    raises({ stdin = 5 }, "'stdin'", "string", "number")
    raises({ cwd = false }, "'cwd'")
    raises({ contain = "no" }, "'contain'")
    raises({ timeout = "5" }, "'timeout'")
    raises({ env = "A=b" }, "env")
    raises({ env = { "A=b" } }, "env", "NAME = value")
    raises({ env = { A = true } }, "env", "[A]", "boolean")
    raises({ [4] = "after a hole" }, "argument 3 is nil")
    assert.is_nil(core.fs.stat(support.dir .. "/x"))
  end)
end)
