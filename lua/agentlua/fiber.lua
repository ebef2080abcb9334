-- agentlua.fiber: coroutines that wait together on one event loop.
--
-- A waiting call yields inside a fiber and runs the loop itself outside one, so the same function
-- works in a loop script, in a REPL and in a plain Lua program. Fibers live in groups; a group waits
-- for, or cancels, what was started in it. Cancelling closes the coroutine, which runs its <close>
-- variables and cannot be caught. A <close> handler must not wait: it starts the end of its thing
-- and hands it over with fiber.adopt(), and the group waits for it.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local group = require "agentlua.fiber.group"
local scheduler = require "agentlua.fiber.scheduler"

local M = {
  group = group.new, -- {limit=} -> group: spawn wait wait_any cancel, <close>
  adopt = group.adopt,
  wait = scheduler.wait,
  turn = scheduler.turn,
  cancel = scheduler.cancel,
  current = scheduler.current,
  cancelled = scheduler.cancelled,
  on_source = scheduler.on_source,
}

-- What a fiber ended with, for who has waited for it.
local function outcome(fiber)
  if fiber.error == M.cancelled then error(errors.new("ECANCELED", "cancelled"), 0) end
  if not fiber.ok then error(fiber.error, 0) end
  return table.unpack(fiber.results, 1, fiber.results.n)
end

--- Runs `fn(...)` in a fiber, with the loop, to its end and to the end of all that it started.
--- Returns what it returns, raises what it raises.
function M.run(fn, ...)
  local all <close> = M.group()
  local fiber = all:spawn(fn, ...)
  all:wait()
  return outcome(fiber)
end

--- Starts `fn(...)` beside the calling fiber, in the same group.
function M.spawn(fn, ...)
  local current, outside = scheduler.current(), scheduler.outside
  if current then return current.group:spawn(fn, ...) end
  outside.group = outside.group or M.group()
  return outside.group:spawn(fn, ...)
end

--- Waits `seconds`, on a clock that counts suspend.
function M.sleep(seconds)
  local timer <close> = core.loop.timer(seconds)
  while not timer:take() do M.wait(timer:id()) end
end

--- Runs `fn(...)`, and what it spawns, for at most `seconds`. Returns what it returns, or nil,
--- message, "ETIMEDOUT".
function M.timeout(seconds, fn, ...)
  local both <close> = M.group()
  local fiber, clock = both:spawn(fn, ...), both:spawn(M.sleep, seconds)
  scheduler.wait_in(both.waiters, function() return clock.done or both.count == 1 or both.failure end)
  local expired = clock.done and both.count > 0
  scheduler.cancel_all(both)
  both:wait()
  if expired then return nil, "timed out after " .. seconds .. " s", "ETIMEDOUT" end
  return outcome(fiber)
end

local bell_type = {}
bell_type.__index = bell_type

--- A bell: wait() waits until ring() was called since the last wait(), at most `seconds`.
function M.bell() return setmetatable({ waiters = {} }, bell_type) end
function bell_type:ring()
  self.rung = true
  scheduler.wake_all(self.waiters)
end
function bell_type:wait(seconds)
  if seconds then return M.timeout(seconds, bell_type.wait, self) end
  scheduler.wait_in(self.waiters, function() return self.rung end)
  self.rung = false
end

local signal_numbers = { HUP = 1, INT = 2, QUIT = 3, USR1 = 10, USR2 = 12, TERM = 15, CHLD = 17, WINCH = 28 }

--- Calls `fn()` when the process gets a signal ("INT", "TERM", ...), between fibers. With `once` the
--- next signal of that kind ends the process, also while a script does not yield.
function M.on(signal, fn, once)
  local number = signal_numbers[signal:gsub("^SIG", "")] or error("unknown signal " .. signal, 2)
  return M.on_source(assert(core.loop.on_signal(number, once)), fn)
end

--- Waits for a job of the native pool and returns its result (value | nil, message, code).
function M.await(job, message, code)
  if not job then return nil, message, code end
  while not job:result() do M.wait(job:id()) end
  return select(2, job:result())
end

return M
