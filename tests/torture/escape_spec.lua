-- The escape matrix: nothing that a program has started outlives it, however the program behaves and
-- whatever ends it. AGENTLUA_REPEATS is how often each cell is tried (1).

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local torture = require "torture"

local repeats = tonumber(os.getenv "AGENTLUA_REPEATS" or 1)
local misbehave = torture.misbehave

local behaviours = { "plain", "setsid", "daemon", "chain", "deaf", "stopped", "many", "subreaper" }
local endings = {} -- { name, function(behaviour) -> mark, when it ended }

local function ending(name, fn) endings[#endings + 1] = { name = name, fn = fn } end

ending("normal end", function(behaviour)
  local env, mark = torture.marked()
  local result = assert(process.run { misbehave, behaviour, "0", env = env, timeout = 20 })
  local ended = core.time.clock()
  assert.same({ 0, 0, "ready\n" }, { result.code, result.signal, result.stdout })
  assert.is_nil(result.bound)
  return mark, ended
end)

ending("bound", function(behaviour)
  local mark, ended
  support.in_time(function(seconds)
    local env
    env, mark = torture.marked()
    local result = assert(process.run { misbehave, behaviour, "60", env = env, timeout = seconds, grace = 0.1 })
    ended = core.time.clock()
    assert.equal("wall", result.bound)
    return result.stdout == "ready\n"
  end)
  return mark, ended
end)

ending("cancel", function(behaviour)
  local env, mark = torture.marked()
  local group <close> = fiber.group()
  local ready
  local waiter = group:spawn(function()
    local child <close> = assert(process.spawn { misbehave, behaviour, "60", env = env, grace = 0.1 })
    ready = child:lines()()
    child:wait()
  end)
  support.eventually(function() return ready end, "the program is ready")
  fiber.cancel(waiter)
  group:wait()
  return mark, core.time.clock()
end)

-- Starts a program and waits for it, until it is killed itself.
local holder = [[
local process = require "agentlua.process"
local child = assert(process.spawn { table.unpack(arg) })
io.stdout:write(child:lines()(), "\n")
io.stdout:flush()
child:wait()
]]

local function kill_host(command, behaviour)
  local home = support.dir .. "/home"
  local env, mark = torture.marked { HOME = home, XDG_STATE_HOME = home, XDG_CONFIG_HOME = home }
  for name, value in pairs(torture.lua_env) do env[name] = value end
  table.move({ support.dir .. "/holder.lua", misbehave, behaviour, "60" }, 1, 4, #command + 1, command)
  command.env, command.cwd, command.contain = env, support.dir, false
  local host <close> = assert(process.spawn(command))
  local line = host:lines()()
  assert.equal("ready", line or host:wait().stderr)
  host:kill()
  assert.equal(9, host:wait().signal)
  return mark, core.time.clock()
end
ending("kill -9 of the Lua", function(behaviour) return kill_host({ "lua5.4" }, behaviour) end)
ending("kill -9 of agentlua", function(behaviour)
  return kill_host({ support.host, "run" }, behaviour)
end)

local slowest = 0

describe("escape:", function()
  before_each(function()
    support.setup()
    support.write("holder.lua", holder)
  end)
  after_each(support.teardown)

  for _, behaviour in ipairs(behaviours) do
    for _, way in ipairs(endings) do
      it(behaviour .. " x " .. way.name, function()
        fiber.run(function()
          local group <close> = fiber.group { limit = behaviour == "many" and 1 or 8 }
          for _ = 1, repeats do
            group:spawn(function()
              local mark, ended = way.fn(behaviour)
              slowest = math.max(slowest, torture.assert_gone(mark, ended))
            end)
          end
          group:wait()
        end)
      end)
    end
  end

  if repeats > 1 then
    teardown(function() print(("\nthe slowest were gone %.3f s after the end"):format(slowest)) end)
  end

  -- The test of the test: what does escape is found.
  for _, behaviour in ipairs(behaviours) do
    it(behaviour .. " is seen when it escapes", function()
      local env, mark = torture.marked()
      local result = assert(process.run {
        misbehave, behaviour, "0", env = env, contain = false, stdout = "discard",
      })
      assert.equal(0, result.code)
      assert.error_matches(function() torture.assert_gone(mark, core.time.clock(), 0.1) end, "left: ")
      torture.assert_gone(mark, core.time.clock())
    end)
  end
end)
