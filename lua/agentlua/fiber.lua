-- agentlua.fiber: coroutines that wait together on one event loop.
--
-- A waiting call yields inside a fiber and runs the loop itself outside one, so the same function
-- works in a loop script, in a REPL and in a plain Lua program. Fibers live in groups; a group waits
-- for, or cancels, what was started in it. Cancelling closes the coroutine, which runs its <close>
-- variables and cannot be caught. A <close> handler must not wait: it starts the end of its thing
-- and hands it over with fiber.adopt(), and the group waits for it.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local fiber_of = setmetatable({}, { __mode = "k" }) -- coroutine -> its fiber
local runnable = {} -- fibers that go on in the next turn
local waiting = {} -- id -> waiters that are woken when the loop signals it
local waiting_count = 0
local handlers = {} -- id -> function called when the loop signals it
local current -- the fiber that runs, also while its <close> handlers do
local outside = { pending = {}, groups = {} } -- stands for code that is in no fiber

-- ---- waiting ------------------------------------------------------------------------------------

local function wake(waiter)
  if waiter.woken then return end
  waiter.woken = true
  if waiter.id then
    waiting[waiter.id][waiter] = nil
    waiting_count = waiting_count - 1
    if not next(waiting[waiter.id]) then waiting[waiter.id] = nil end
  end
  if waiter.fiber then runnable[#runnable + 1] = waiter.fiber end
end

local function block(waiter)
  local fiber = fiber_of[coroutine.running()]
  if fiber then
    waiter.fiber, fiber.waiter = fiber, waiter
    coroutine.yield()
    fiber.waiter = nil
  else
    while not waiter.woken do M.turn() end
  end
end

--- Waits until the loop signals `id` (of a process, timer, job, ...). Look at the thing before and
--- after: a signal tells that something changed, not what.
function M.wait(id)
  local waiter = { id = id }
  waiting[id] = waiting[id] or {}
  waiting[id][waiter] = true
  waiting_count = waiting_count + 1
  block(waiter)
end

--- Waits until `condition()` is true; it is asked again whenever `list` is woken.
local function wait_in(list, condition)
  while not condition() do
    local waiter = {}
    list[#list + 1] = waiter
    block(waiter)
  end
end

local function wake_all(list)
  for i = #list, 1, -1 do
    wake(list[i])
    list[i] = nil
  end
end

-- ---- fibers ---------------------------------------------------------------------------------------

local function finish(fiber, ok, ...)
  for i = #fiber.groups, 1, -1 do -- nothing that it started outlives it
    local group = fiber.groups[i]
    group:cancel()
    table.move(group.pending, 1, #group.pending, #fiber.pending + 1, fiber.pending)
  end
  fiber.done, fiber.ok = true, ok
  fiber.results = ok and table.pack(...) or nil
  fiber.error = not ok and (...) or nil
  local group = fiber.group
  group.running[fiber] = nil
  group.count = group.count - 1
  table.move(fiber.pending, 1, #fiber.pending, #group.pending + 1, group.pending)
  if not ok and fiber.error ~= M.cancelled and not group.failure then group.failure = fiber.error end
  wake_all(group.waiters)
end

--- What a cancelled fiber ended with.
M.cancelled = errors.new("ECANCELED", "cancelled")

local function close(fiber, ok, err)
  for i = #fiber.groups, 1, -1 do fiber.groups[i]:cancel() end
  local before = current
  current = fiber
  local closed, problem = coroutine.close(fiber.co)
  current = before
  if not closed and ok == nil then err = errors.wrap(problem, "in a <close> handler") end
  finish(fiber, false, err)
end

local function resume(fiber, ...)
  if fiber.done then return end
  if fiber.cancel_wanted then return close(fiber, nil, M.cancelled) end
  local before = current
  current = fiber
  local results = table.pack(coroutine.resume(fiber.co, ...))
  current = before
  if coroutine.status(fiber.co) == "dead" then
    if results[1] then
      finish(fiber, table.unpack(results, 1, results.n))
    else
      close(fiber, false, errors.wrap(results[2], debug.traceback(fiber.co)))
    end
  elseif fiber.cancel_wanted then
    close(fiber, nil, M.cancelled)
  elseif not fiber.waiter then -- a plain coroutine.yield() lets the others go first
    runnable[#runnable + 1] = fiber
  end
end

--- Ends a fiber: its <close> variables are closed, innermost first. It ends at once when it waits,
--- and at its next wait when it runs.
function M.cancel(fiber)
  if fiber.done then return end
  if coroutine.status(fiber.co) ~= "suspended" then
    fiber.cancel_wanted = true
    if fiber == current and coroutine.isyieldable() then coroutine.yield() end
    return
  end
  if fiber.waiter then fiber.waiter.fiber = nil; wake(fiber.waiter) end
  close(fiber, nil, M.cancelled)
end

--- One turn: fibers that can go on do, then the loop waits for the next event. At most `limit`
--- seconds; none: as long as it takes. Raises EDEADLOCK when nothing can ever happen.
function M.turn(limit)
  local batch = runnable
  runnable = {}
  for i = 1, #batch do resume(batch[i]) end
  if #runnable > 0 then
    limit = 0
  elseif #batch > 0 then
    limit = 0 -- somebody may have what they waited for
  elseif waiting_count == 0 and not limit and not next(handlers) then
    error(errors.new("EDEADLOCK", "deadlock: everything waits and nothing can wake it"), 0)
  end
  for _, id in ipairs(core.loop.step(limit)) do
    if handlers[id] then handlers[id]() end
    for waiter in pairs(waiting[id] or {}) do wake(waiter) end
  end
end

-- ---- groups ---------------------------------------------------------------------------------------

local group_type = {}
group_type.__index = group_type

--- A group of fibers.
---@param options? { limit: integer? } limit: most fibers at once; spawn() waits for a place
function M.group(options)
  local owner = current or outside
  local group = setmetatable({
    limit = options and options.limit or math.huge,
    running = {}, count = 0, pending = {}, waiters = {}, owner = owner,
  }, group_type)
  owner.groups[#owner.groups + 1] = group
  return group
end

--- Starts `fn(...)` as a fiber; waits while the group is full. The fiber first runs in the next turn.
function group_type:spawn(fn, ...)
  wait_in(self.waiters, function() return self.count < self.limit end)
  local args = table.pack(...)
  local fiber = { group = self, groups = {}, pending = {} }
  fiber.co = coroutine.create(function() return fn(table.unpack(args, 1, args.n)) end)
  fiber_of[fiber.co] = fiber
  self.running[fiber] = true
  self.count = self.count + 1
  runnable[#runnable + 1] = fiber
  return fiber
end

local function drain(pending)
  while #pending > 0 do
    local thing = table.remove(pending)
    while not thing:finished() do M.wait(thing:id()) end
    thing:close()
  end
end

--- Waits until all fibers have ended and all that they left behind is gone. When one fails, the
--- others are cancelled and its error is raised.
function group_type:wait()
  wait_in(self.waiters, function() return self.count == 0 or self.failure end)
  if self.failure then self:cancel() end
  wait_in(self.waiters, function() return self.count == 0 end)
  drain(self.pending)
  if self.failure then error(self.failure, 0) end
end

--- Waits until fewer fibers run than now, or the group is empty.
function group_type:wait_any()
  local before = self.count
  wait_in(self.waiters, function() return self.count < before or before == 0 or self.failure end)
end

--- Cancels every fiber of the group. wait() then waits for what they left.
function group_type:cancel()
  for fiber in pairs(self.running) do M.cancel(fiber) end
end

function group_type:__close()
  self:cancel()
  local owner = self.owner
  for i = #owner.groups, 1, -1 do
    if owner.groups[i] == self then table.remove(owner.groups, i) end
  end
  if owner == outside then return drain(self.pending) end
  table.move(self.pending, 1, #self.pending, #owner.pending + 1, owner.pending)
  self.pending = {}
end

--- Hands over a thing that is ending (finished(), id(), close()): the group of the fiber that runs
--- waits for it. Outside a fiber it is waited for at once.
function M.adopt(thing)
  if not current then return drain { thing } end
  current.pending[#current.pending + 1] = thing
end

-- ---- what scripts call ------------------------------------------------------------------------------

--- Runs `fn(...)` in a fiber, with the loop, to its end and to the end of all that it started.
--- Returns what it returns, raises what it raises.
function M.run(fn, ...)
  local group <close> = M.group()
  local fiber = group:spawn(fn, ...)
  group:wait()
  if not fiber.ok then error(fiber.error, 0) end
  return table.unpack(fiber.results, 1, fiber.results.n)
end

--- Starts `fn(...)` beside the calling fiber, in the same group.
function M.spawn(fn, ...)
  if current then return current.group:spawn(fn, ...) end
  outside.group = outside.group or M.group()
  return outside.group:spawn(fn, ...)
end

--- Waits `seconds`, on a clock that counts suspend.
function M.sleep(seconds)
  local timer <close> = core.loop.timer(seconds)
  while not timer:take() do M.wait(timer:id()) end
end

--- Runs `fn(...)` for at most `seconds`. Returns what it returns, or nil, message, "ETIMEDOUT".
function M.timeout(seconds, fn, ...)
  local group <close> = M.group()
  local fiber, clock = group:spawn(fn, ...), group:spawn(M.sleep, seconds)
  wait_in(group.waiters, function() return fiber.done or clock.done end)
  M.cancel(clock)
  local expired = not fiber.done
  if expired then M.cancel(fiber) end
  group:wait()
  if expired then return nil, "timed out after " .. seconds .. " s", "ETIMEDOUT" end
  return table.unpack(fiber.results, 1, fiber.results.n)
end

local bell_type = {}
bell_type.__index = bell_type

--- A bell: wait() waits until ring() was called since the last wait(), at most `seconds`.
function M.bell() return setmetatable({ waiters = {} }, bell_type) end
function bell_type:ring()
  self.rung = true
  wake_all(self.waiters)
end
function bell_type:wait(seconds)
  if seconds then return M.timeout(seconds, bell_type.wait, self) end
  wait_in(self.waiters, function() return self.rung end)
  self.rung = false
end

--- Calls `fn()` whenever the loop signals `source`, between fibers. It must not wait.
--- Returns a handle whose close() ends that.
function M.on_source(source, fn)
  local id = source:id()
  handlers[id] = fn
  local function stop()
    handlers[id] = nil
    source:close()
  end
  return setmetatable({ close = stop }, { __close = stop })
end

local signal_numbers = { HUP = 1, INT = 2, QUIT = 3, USR1 = 10, USR2 = 12, TERM = 15, CHLD = 17, WINCH = 28 }

--- Calls `fn()` when the process gets a signal ("INT", "TERM", ...), between fibers.
function M.on(signal, fn)
  local number = signal_numbers[signal:gsub("^SIG", "")] or error("unknown signal " .. signal, 2)
  return M.on_source(assert(core.loop.on_signal(number)), fn)
end

--- The fiber that runs, or nil.
function M.current() return current end

--- Waits for a job of the native pool and returns its result (value | nil, message, code).
function M.await(job, message, code)
  if not job then return nil, message, code end
  while not job:result() do M.wait(job:id()) end
  return select(2, job:result())
end

return M
