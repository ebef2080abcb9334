-- Bounds strike, are named, and leave nothing; limits, launchers and containment reach the child.

local core = require "agentlua.core"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local torture = require "torture"

local mib = 1 << 20
local misbehave = torture.misbehave

describe("bounds torture:", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function run(options) return assert(process.run(options)) end

  -- Runs it with its output taken line by line, or put into a file; returns the result, the number of
  -- lines and the bytes in the file.
  local function strike(how, options)
    local env, mark = torture.marked()
    local file = support.dir .. "/out"
    options.env, options.grace, options.stdout_file = env, 0.2, file
    if how == "to a file" then options.stdout = "file" end
    local child <close> = assert(process.spawn(options))
    local lines = 0
    for _ in child:lines() do lines = lines + 1 end
    local result = child:wait()
    torture.assert_gone(mark, core.time.clock())
    return result, lines, core.fs.stat(file).size
  end

  for _, how in ipairs { "by lines", "to a file" } do
    it("start, " .. how, function()
      local result, lines = strike(how, { "sleep", "60", start = 0.2 })
      assert.same({ "start", 0, 15 }, { result.bound, lines, result.signal })
      assert.is_true(result.seconds >= 0.2 and result.seconds < support.soon)
      support.in_time(function(seconds)
        return not strike(how, { "sh", "-c", "echo early; sleep $0", 2 * seconds, start = seconds }).bound
      end)
    end)

    it("output, " .. how, function()
      local result, lines, bytes = strike(how, { "yes", "four", output = mib })
      assert.same({ "output", 15 }, { result.bound, result.signal })
      assert.is_true(bytes > mib and bytes < 16 * mib)
      if how == "by lines" then assert.is_true(lines > mib // 5) end
      result = strike(how, { "sh", "-c", "echo 45; echo 890 >&2", output = 8 })
      assert.is_nil(result.bound) -- it may use all of it
    end)

    it("output counts stderr, " .. how, function()
      assert.equal("output", strike(how, { "sh", "-c", "yes four >&2", output = mib }).bound)
    end)

    it("memory, " .. how, function()
      local result, lines = strike(how, { misbehave, "hog", "60", memory = 100 * mib })
      assert.same({ "memory", 9 }, { result.bound, result.signal })
      assert.is_true(lines <= 1 and result.seconds < support.soon)
    end)

    it("memory of all together, " .. how, function()
      local two = '"$0" hog 60 & "$0" hog 60 & wait'
      local result = strike(how, { "sh", "-c", two, misbehave, memory = 200 * mib })
      assert.same({ "memory", 9 }, { result.bound, result.signal })
    end)

    it("processes, " .. how, function()
      local result = strike(how, { misbehave, "many", "60", processes = 50 })
      assert.same({ "processes", 9 }, { result.bound, result.signal })
      assert.is_true(result.seconds < support.soon)
    end)
  end

  it("what stays below its bounds is not struck", function()
    local result = run {
      misbehave, "plain", "1", start = 20, output = 100, memory = 100 * mib, processes = 2, timeout = 20,
      idle = 20,
    }
    assert.same({ 0, "ready\n" }, { result.code, result.stdout })
    assert.is_nil(result.bound)
  end)

  it("nice and rlimits reach the child, and its children", function()
    local ours = tonumber(run({ "nice" }).stdout)
    local result = run {
      "sh", "-c", "nice; cat /proc/self/limits", nice = 7, rlimits = { nofile = 77, core = 0, fsize = 123456 },
    }
    local function limit(name) return result.stdout:match(name .. " +(%d+) +(%d+) ") end
    assert.equal(ours + 7, tonumber(result.stdout:match "^%d+"))
    assert.same({ "77", "77" }, { limit "Max open files" })
    assert.same({ "0", "0" }, { limit "Max core file size" })
    assert.same({ "123456", "123456" }, { limit "Max file size" })
    assert.not_equal("77", run({ "sh", "-c", "ulimit -n" }).stdout:match "%d+") -- only there
  end)

  it("a limit that the kernel refuses: nil, why, and a code; nothing runs", function()
    local file = support.dir .. "/x"
    local result, message, code = process.run { "touch", file, rlimits = { nofile = 1e12 } }
    assert.is_nil(result)
    assert.equal("EPERM", code)
    assert.truthy(message:find("touch", 1, true), message)
    assert.is_nil(core.fs.stat(file))
  end)

  it("an unlimited limit is not taken for none at all", function()
    local result, _, code = process.run { "sh", "-c", "ulimit -f", rlimits = { fsize = math.huge } }
    if result then assert.equal("unlimited\n", result.stdout) else assert.equal("EINVAL", code) end
  end)

  it("what needs the reaper is refused without it", function()
    for name, value in pairs { nice = 1, rlimits = { nofile = 99 }, memory = mib, processes = 9 } do
      local result, _, code = process.run { "true", contain = false, [name] = value }
      assert.same({ nil, "EINVAL" }, { result, code })
    end
  end)

  it("a launcher comes first", function()
    local ours = tonumber(run({ "nice" }).stdout)
    for _, contain in ipairs { true, false } do
      local text = run({ "nice", launcher = { "nice", "-n", "5" }, contain = contain }).stdout
      assert.equal(ours + 5, tonumber(text))
      text = run({ "sh", "-c", 'echo "$TORTURE_A"', launcher = { "env", "TORTURE_A=1" }, contain = contain })
        .stdout
      assert.equal("1\n", text)
    end
    local _, message, code = process.run { "true", launcher = { "agentlua-no-such-program" } }
    assert.equal("ENOENT", code)
    assert.truthy(message:find("agentlua-no-such-program", 1, true), message)
  end)

  describe("containment is", function()
    local function contained_by(options) return run(options).containment end

    it("reaper, or none", function()
      assert.equal("reaper", contained_by { "sleep", "0.3" })
      assert.equal("reaper", contained_by { "true" })
      assert.equal("none", contained_by { "true", contain = false })
    end)

    local launchers = {
      unshare = { "unshare", "--pid", "--fork", "--kill-child" },
      bwrap = { "bwrap", "--unshare-pid", "--dev-bind", "/", "/" },
    }
    for name, launcher in pairs(launchers) do
      it("namespace under " .. name, function()
        local probe = process.run { "true", launcher = launcher }
        if not probe then return pending(name .. " is not installed") end
        if probe.code ~= 0 then return pending(name .. " may not be used here: " .. probe.stderr) end
        for _, processes in ipairs { false, 50 } do -- the reaper looks at it now and then
          support.in_time(function(seconds)
            local options = { "sleep", 4 * seconds, launcher = launcher, processes = processes or nil }
            return contained_by(options) == "namespace"
          end)
        end
        support.in_time(function(seconds)
          local env, mark = torture.marked()
          local options = { misbehave, "daemon", "60", launcher = launcher, env = env, timeout = seconds, grace = 0.2 }
          local result = run(options)
          torture.assert_gone(mark, core.time.clock())
          assert.equal("wall", result.bound)
          return result.containment == "namespace" and result.stdout == "ready\n"
        end)
      end)
    end
  end)

  it("expect_end ends one that lingers after its last line", function()
    local child <close> = assert(process.spawn { "sh", "-c", "echo last; exec sleep 60" })
    assert.equal("last", child:lines()())
    local before = core.time.clock()
    child:expect_end(0.2)
    local result = child:wait()
    local took = core.time.clock() - before
    assert.same({ true, nil, 15 }, { result.lingered, result.bound, result.signal })
    assert.is_true(took >= 0.2 and took < support.soon)
  end)

  it("expect_end closes stdin and lets one that leaves alone", function()
    local child <close> = assert(process.spawn { "sh", "-c", "echo last; cat; exit 6", stdin_pipe = true })
    assert.equal("last", child:lines()())
    child:expect_end(20)
    local result = child:wait()
    assert.same({ nil, nil, 6, 0 }, { result.lingered, result.bound, result.code, result.signal })
    assert.is_true(result.seconds < support.soon)
  end)

  it("expect_end after another bound has struck: the bound is named", function()
    support.in_time(function(seconds)
      local child <close> = assert(process.spawn {
        "sh", "-c", "trap '' TERM; echo last; while :; do sleep 0.01; done", timeout = seconds, grace = 0.5,
      })
      local line = child:lines()()
      child:expect_end(2 * seconds)
      local result = child:wait()
      if line then assert.same({ nil, "wall", 9 }, { result.lingered, result.bound, result.signal }) end
      return line
    end)
  end)

  it("write without stdin_pipe: nil, why, and a code", function()
    for _, stdin in ipairs { false, "text" } do
      local child <close> = assert(process.spawn { "cat", stdin = stdin or nil })
      local done, message, code = child:write "more"
      assert.same({ nil, "EINVAL" }, { done, code })
      assert.truthy(message:find("cat", 1, true), message)
      assert.equal(stdin or "", child:wait().stdout)
    end
  end)
end)
