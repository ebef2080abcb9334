-- Runs a command of agentlua under strace, which follows single threads of it: lua5.4 git_driver.lua
-- THREADS LOG OPTION... -- COMMAND... THREADS is "main", or "pool" (of one thread: UV_THREADPOOL_SIZE=1),
-- where git and libgit2 are worked with, or "main,pool"; LOG.THREAD is what strace writes. Its gits are
-- not followed, so that they outlive it as they do in life.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"

local main = tostring(core.fs.host({}).pid)

local function tid_of(thread)
  if thread == "main" then return main end
  fiber.await(require("agentlua.core.git").open { path = "/" }) -- the pool begins with its first job
  for _, tid in ipairs(core.fs.list("/proc/self/task")) do
    if tid ~= main then return tid end
  end
end

local threads, log, last = arg[1], arg[2], 3
while arg[last] ~= "--" do last = last + 1 end

local tracers = {} -- who forgets one stops it
for thread in threads:gmatch "%w+" do
  local strace = { "strace", "-y", "-s", "512", "-o", log .. "." .. thread, "-p", tid_of(thread), contain = false }
  tracers[#tracers + 1] = assert(process.spawn(table.move(arg, 3, last - 1, #strace + 1, strace)))
end
for _, tracer in ipairs(tracers) do assert(tracer:lines "err"():find "attached") end
os.exit(require("agentlua.cli").main(table.move(arg, last + 1, #arg, 1, { [0] = "agentlua" })), false)
