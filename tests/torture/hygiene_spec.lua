-- What a child gets from us, and what many children leave with us.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local torture = require "torture"

local mib = 1 << 20

describe("hygiene torture:", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function run(options) return assert(process.run(options)) end

  -- Starts cat twice, contained and not, and prints its descriptors and ours.
  local list_descriptors = [[
    local found = { ours = core.fs.list "/proc/self/fd" }
    for name, contain in pairs { contained = true, direct = false } do
      local child <close> = assert(process.spawn { "cat", stdin_pipe = true, contain = contain })
      child:write "x\n"
      child:lines()() -- from here on it is cat
      found[name] = core.fs.list("/proc/" .. child:pid() .. "/fd")
      child:close_stdin()
      child:wait()
    end
    print(core.json.dump(found))
  ]]

  it("a child sees the descriptors 0, 1 and 2, whatever we have open", function()
    local open = "exec 3</dev/null 4>/dev/null 5</etc/passwd 6</ 7<>/dev/null 8>/dev/null 9</proc; "
    local found = torture.inner({ "sh", "-c", open .. 'exec lua5.4 "$@"', "sh" }, list_descriptors)
    for name in pairs(found) do table.sort(found[name]) end
    local ours = table.concat(found.ours, " ") .. " "
    for fd = 3, 9 do assert.truthy(ours:find(fd .. " ", 1, true), ours) end
    assert.same({ "0", "1", "2" }, found.contained)
    assert.same({ "0", "1", "2" }, found.direct)
  end)

  it("a child sees 0, 1 and 2 also when ours are closed", function()
    local script = support.write("closed.lua", [[
      local core, process = require "agentlua.core", require "agentlua.process"
      local out = assert(io.open(arg[1], "w"))
    ]] .. list_descriptors:gsub("print", "out:write") .. "out:close()")
    local out = support.dir .. "/out"
    local result = run {
      "sh", "-c", 'exec <&- >&-; exec lua5.4 "$@"', "sh", script, out, env = torture.lua_env, timeout = 120,
    }
    assert.same({ 0, 0, "" }, { result.code, result.signal, result.stderr })
    local found = assert(core.json.parse(core.fs.read(out), "output"))
    for _, name in ipairs { "contained", "direct" } do
      table.sort(found[name])
      assert.same({ "0", "1", "2" }, found[name])
    end
  end)

  local read_signals = [[
    local function signals(text)
      return { blocked = text:match "SigBlk:%s*(%x+)", ignored = text:match "SigIgn:%s*(%x+)" }
    end
    local found = { ours = signals(core.fs.read "/proc/self/status") }
    for name, contain in pairs { contained = true, direct = false } do
      local result = assert(process.run { "cat", "/proc/self/status", contain = contain })
      found[name] = signals(result.stdout)
    end
    print(core.json.dump(found))
  ]]

  for name, wrapper in pairs {
    ["ignore some"] = { "sh", "-c", 'trap "" INT HUP PIPE; exec lua5.4 "$@"', "sh" },
    ["ignore and block some"] = {
      "env", "--ignore-signal=INT,HUP,PIPE,40", "--block-signal=TERM,USR1,CHLD,41", "lua5.4",
    },
  } do
    it("a child has default signals and an empty mask when we " .. name, function()
      local found = torture.inner(wrapper, read_signals)
      assert.not_equal(0, tonumber(found.ours.ignored, 16) & 0x1003) -- INT, HUP, PIPE
      if name:find "block" then assert.not_equal(0, tonumber(found.ours.blocked, 16) & 0x4000) end
      for _, way in ipairs { "contained", "direct" } do
        -- posix_spawn of glibc leaves the two signals that it keeps for itself, 32 and 33, ignored.
        local ignored = tonumber(found[way].ignored, 16) & ~0x180000000
        assert.same({ 0, 0 }, { tonumber(found[way].blocked, 16), ignored })
      end
    end)
  end

  it("a child's end is seen also when we were started with CHLD ignored", function()
    for _, contain in ipairs { "true", "false" } do
      local result = run {
        "env", "--ignore-signal=CHLD", "lua5.4", support.write("ignored.lua", [[
          local process = require "agentlua.process"
          local result = assert(process.run { "sh", "-c", "echo out; exit 7", contain = arg[1] == "true" })
          io.write(result.code, " ", result.stdout)
        ]]), contain, env = torture.lua_env, timeout = 30, grace = 0.1,
      }
      assert.same({ nil, "7 out\n", "" }, { result.bound, result.stdout, result.stderr })
    end
  end)

  it("env_only is all that a child gets", function()
    for _, contain in ipairs { true, false } do
      local function environment(env)
        return run({ "cat", "/proc/self/environ", env_only = true, env = env, contain = contain }).stdout
      end
      assert.equal("", environment())
      assert.equal("", environment {})
      assert.equal("A=1\0", environment { A = 1, HOME = false })
      local both = environment { A = "", ["B b"] = "x\ny=é" }
      assert.is_true(both == "A=\0B b=x\ny=é\0" or both == "B b=x\ny=é\0A=\0")
    end
  end)

  it("1,000 runs leave no descriptor, no zombie and no memory", function()
    local function runs(count)
      fiber.run(function()
        local group <close> = fiber.group { limit = 16 }
        for i = 1, count do
          group:spawn(function()
            local result = run { "sh", "-c", "echo $1", "sh", i, contain = i % 2 == 0 }
            assert(result.stdout == i .. "\n")
          end)
        end
        group:wait()
      end)
    end
    runs(100)
    local before, open = torture.resident(), #core.fs.list "/proc/self/fd"
    runs(1000)
    local growth = torture.resident() - before
    assert.equal(open, #core.fs.list "/proc/self/fd")
    assert.same({}, support.children())
    assert(growth < 4 * mib, ("memory grew by %.1f MiB"):format(growth / mib))
  end)

  it("1,000 sleepers and 100 deaf children end together", function()
    local env, mark = torture.marked()
    env.TORTURE_LOCK = false -- each would wait for the one before
    local started, ready = 0, 0
    fiber.run(function()
      local group <close> = fiber.group()
      for _ = 1, 1000 do
        group:spawn(function()
          started = started + 1
          fiber.sleep(60)
        end)
      end
      for _ = 1, 100 do
        group:spawn(function()
          local child <close> = assert(process.spawn { torture.misbehave, "deaf", "60", env = env, grace = 1 })
          assert(child:lines()() == "ready")
          ready = ready + 1
          child:wait()
        end)
      end
      support.eventually(function() return started == 1000 and ready == 100 end, "all run")
      local before = core.time.clock()
      group:cancel()
      group:wait()
      local took = core.time.clock() - before
      assert(took >= 1, ("they had %.3f s"):format(took))
      assert(took < 1 + support.soon, ("it took %.3f s"):format(took))
      torture.assert_gone(mark, core.time.clock())
    end)
  end)
end)
