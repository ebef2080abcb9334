-- What the torture specs share: the program that misbehaves, and a look at all that it has left.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local lock = require "agentlua.lock"
local process = require "agentlua.process"
local support = require "support"

local M = {}

M.misbehave = support.build .. "/tests/agentlua_misbehave"
assert(core.fs.stat(M.misbehave), M.misbehave .. " is missing: build the target agentlua_misbehave")

-- ---- what is left ---------------------------------------------------------------------------------

local function lock_of(mark) return support.dir .. "/" .. mark end

--- Surroundings with a mark of their own, and the mark. Whatever is started in them inherits it.
function M.marked(env)
  local mark = core.text.uuid()
  env = env or {}
  env.TORTURE_MARK, env.TORTURE_LOCK = mark, lock_of(mark)
  return env, mark
end

--- Pids, as text, of the processes that bear a mark. Zombies have no surroundings: they do not count.
function M.bearers(mark)
  local found, entry = {}, "\0TORTURE_MARK=" .. mark .. "\0"
  for _, pid in ipairs(core.fs.list "/proc") do
    local text = pid:match "^%d+$" and core.fs.read("/proc/" .. pid .. "/environ")
    if text and ("\0" .. text .. "\0"):find(entry, 1, true) then found[#found + 1] = pid end
  end
  return found
end

-- What is left, or nil. One that becomes another process all the time hides from a look at /proc, but
-- not from the lock that all of them share.
local function find_left(mark)
  local pids = M.bearers(mark)
  local free = lock(lock_of(mark))
  if free then free:close() end
  if #pids == 0 then return not free and "left: what holds the lock" or nil end
  local all = {}
  for i = 1, math.min(#pids, 5) do
    local command = (core.fs.read("/proc/" .. pids[i] .. "/cmdline") or "gone"):gsub("%z", " ")
    all[i] = pids[i] .. " (" .. command .. ")"
  end
  return "left: " .. #pids .. " processes, " .. table.concat(all, ", ")
end

--- Kills all that bears the mark.
function M.wipe(mark)
  local old = lock_of(mark)
  os.rename(old, old .. ".old") -- which ends the chain
  support.eventually(function()
    local pids, free = M.bearers(mark), lock(old .. ".old")
    if free then free:close() end
    if #pids > 0 then process.run { "kill", "-9", table.unpack(pids) } end
    return free and #pids == 0
  end, "what was left is gone")
end

--- Fails when something with the mark lives `seconds` (those of support.soon) after `ended`, and kills it.
--- Returns how long it took to go.
function M.assert_gone(mark, ended, seconds)
  local deadline = ended + (seconds or support.soon)
  repeat
    local now = core.time.clock()
    local left = find_left(mark)
    if not left then return now - ended end
    fiber.sleep(0.005)
  until now > deadline
  local left = find_left(mark)
  if left then M.wipe(mark) end
  assert(not left, left)
  return core.time.clock() - ended
end

-- ---- memory -------------------------------------------------------------------------------------

--- Resident bytes of this Lua, without garbage.
function M.resident()
  collectgarbage()
  collectgarbage()
  return tonumber(core.fs.read("/proc/self/statm"):match "^%d+ (%d+)") * 4096
end

--- Most resident bytes since the last call of forget_peak().
function M.peak() return tonumber(core.fs.read("/proc/self/status"):match "VmHWM:%s*(%d+)") * 1024 end
function M.forget_peak()
  local file = assert(io.open("/proc/self/clear_refs", "w"))
  assert(file:write "5")
  assert(file:close())
end

--- Calls `fn`; fails when this Lua needed `limit` bytes more at some time.
function M.assert_flat(limit, fn)
  local before = M.resident()
  M.forget_peak()
  fn()
  local growth, peak = M.resident() - before, M.peak() - before
  assert(growth < limit, ("memory grew by %.1f MiB"):format(growth / (1 << 20)))
  assert(peak < limit, ("memory grew by %.1f MiB meanwhile"):format(peak / (1 << 20)))
end

-- ---- another Lua --------------------------------------------------------------------------------

--- What a stock Lua needs to find the library, whatever its directory.
M.lua_env = {
  LUA_PATH = support.source .. "/lua/?.lua;" .. support.source .. "/lua/?/init.lua;;",
  LUA_CPATH = support.build .. "/lib/lua/5.4/?.so;;",
}

--- Runs a Lua text in a stock Lua, started by the words of `wrapper`; returns the value that it prints
--- as JSON. The text sees `process` and `core`.
function M.inner(wrapper, text)
  local head = 'local core, process = require "agentlua.core", require "agentlua.process"\n'
  local words = table.move(wrapper, 1, #wrapper, 1, { env = M.lua_env, timeout = 120 })
  words[#words + 1] = support.write("inner.lua", head .. text)
  local result = assert(process.run(words))
  assert(result.code == 0, result.stderr)
  return assert(core.json.parse(result.stdout, "output of the inner Lua"))
end

return M
