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
local runnable = { first = 1, last = 0 } -- fibers that go on in the next turn
local waiting = {} -- id -> waiters that are woken when the loop signals it
local waiting_count = 0
local handlers = {} -- id -> function called when the loop signals it
local current -- the fiber that runs, also while its <close> handlers do
local outside = { pending = {}, groups = {} } -- stands for code that is in no fiber

-- ---- waiting ------------------------------------------------------------------------------------

local function put_in_line(fiber)
  runnable.last = runnable.last + 1
  runnable[runnable.last] = fiber
end

local function first_in_line()
  local fiber = runnable[runnable.first]
  if not fiber then return nil end
  runnable[runnable.first] = nil
  runnable.first = runnable.first + 1
  return fiber
end

local function wake(waiter)
  if waiter.woken then return end
  waiter.woken = true
  if waiter.id then
    waiting[waiter.id][waiter] = nil
    waiting_count = waiting_count - 1
    if not next(waiting[waiter.id]) then waiting[waiter.id] = nil end
  end
  if waiter.fiber then put_in_line(waiter.fiber) end
end

local waiter_type = { __close = function(waiter) wake(waiter) end }

-- An error of what runs meanwhile is raised here, where somebody sees it.
local function raise_lost()
  local problem = outside.group and outside.group.failure
  if current or not problem then return end
  outside.group.failure = nil
  error(problem, 0)
end

local function block(waiter)
  local fiber = fiber_of[coroutine.running()]
  if fiber then
    waiter.fiber, fiber.waiter = fiber, waiter
    coroutine.yield()
    fiber.waiter = nil
  else
    local guard <close> = setmetatable(waiter, waiter_type)
    while not guard.woken do
      M.turn()
      raise_lost()
      if current and current.cancel_wanted then error(M.cancelled, 0) end -- a coroutine in a fiber
    end
  end
end

-- Raises where a fiber cannot be left: there is no way back to it.
local function check_may_wait()
  if fiber_of[coroutine.running()] and not coroutine.isyieldable() then
    error("cannot wait in the <close> handler of a fiber that is being ended, or in a function "
      .. "that C code calls (string.gsub, table.sort, ...)", 4)
  end
end

--- Waits until the loop signals `id` (of a process, timer, job, ...). Look at the thing before and
--- after: a signal tells that something changed, not what.
function M.wait(id)
  check_may_wait()
  local waiter = { id = id }
  waiting[id] = waiting[id] or {}
  waiting[id][waiter] = true
  waiting_count = waiting_count + 1
  block(waiter)
end

--- Waits until `condition()` is true; it is asked again whenever `list` is woken.
local function wait_in(list, condition)
  while not condition() do
    check_may_wait()
    local waiter = {}
    list[#list + 1] = waiter
    block(waiter)
  end
end

local function wake_all(list)
  for i = 1, #list do
    wake(list[i])
    list[i] = nil
  end
end

-- ---- fibers ---------------------------------------------------------------------------------------

--- What a cancelled fiber ended with.
M.cancelled = errors.new("ECANCELED", "cancelled")

local cancel -- function(fiber)

local function cancel_all(group)
  local all = {}
  for fiber in pairs(group.running) do all[#all + 1] = fiber end
  for _, fiber in ipairs(all) do cancel(fiber) end
end

local function cancel_groups(fiber)
  for i = #fiber.groups, 1, -1 do cancel_all(fiber.groups[i]) end
end

-- The end of a fiber, once nothing that it started runs any more. A fiber that cancels the one it
-- was started by runs a little longer than that.
local function settle(fiber)
  if fiber.done then return end
  for _, group in ipairs(fiber.groups) do
    if group.count > 0 then return end
  end
  for i = #fiber.groups, 1, -1 do
    local pending = fiber.groups[i].pending
    table.move(pending, 1, #pending, #fiber.pending + 1, fiber.pending)
  end
  local group, results = fiber.group, fiber.outcome.results
  fiber.done, fiber.ok = true, fiber.outcome.ok
  fiber.results = fiber.ok and results or nil
  fiber.error = not fiber.ok and results[1] or nil
  group.running[fiber] = nil
  group.count = group.count - 1
  table.move(fiber.pending, 1, #fiber.pending, #group.pending + 1, group.pending)
  local failed = not fiber.ok and fiber.error ~= M.cancelled
  if failed and not group.failure then group.failure = fiber.error end
  wake_all(group.waiters)
  if group.owner.outcome then settle(group.owner) end
end

local function finish(fiber, ok, ...)
  fiber.ending, fiber.outcome = true, { ok = ok, results = table.pack(...) }
  cancel_groups(fiber) -- nothing that it started outlives it
  settle(fiber)
end

local function close(fiber, ok, err)
  fiber.ending = true
  if fiber.waiter then
    fiber.waiter.fiber = nil
    wake(fiber.waiter)
  end
  cancel_groups(fiber)
  local before = current
  current = fiber
  local closed, problem = coroutine.close(fiber.co)
  current = before
  if not closed and ok == nil then err = errors.wrap(problem, "in a <close> handler") end
  finish(fiber, false, err)
end

local function resume(fiber, ...)
  if fiber.ending then return end
  if fiber.cancel_wanted then return close(fiber, nil, M.cancelled) end
  local before = current
  current = fiber
  local results = table.pack(coroutine.resume(fiber.co, ...))
  current = before
  if coroutine.status(fiber.co) == "dead" then
    if results[1] then
      finish(fiber, table.unpack(results, 1, results.n))
    else
      local problem = results[2]
      if problem ~= M.cancelled then problem = errors.wrap(problem, debug.traceback(fiber.co)) end
      close(fiber, false, problem)
    end
  elseif fiber.cancel_wanted then
    close(fiber, nil, M.cancelled)
  elseif not fiber.waiter then -- a plain coroutine.yield() lets the others go first
    put_in_line(fiber)
  end
end

function cancel(fiber)
  if fiber.ending then return end
  if coroutine.status(fiber.co) == "suspended" then return close(fiber, nil, M.cancelled) end
  fiber.cancel_wanted = true
end

-- A fiber that has cancelled itself, or what it belongs to, ends here.
local function end_if_cancelled()
  local fiber = fiber_of[coroutine.running()]
  if fiber and fiber.cancel_wanted and coroutine.isyieldable() then coroutine.yield() end
end

--- Ends a fiber: its <close> variables are closed, innermost first. It ends at once when it waits
--- or is the one that calls, and at its next wait otherwise.
function M.cancel(fiber)
  cancel(fiber)
  end_if_cancelled()
end

--- One turn: fibers that can go on do, then the loop waits for the next event. At most `limit`
--- seconds; none: as long as it takes. Raises EDEADLOCK when nothing can ever happen.
function M.turn(limit)
  local count = runnable.last - runnable.first + 1
  for _ = 1, count do -- one by one: a coroutine in a fiber may wait, and take turns meanwhile
    local fiber = first_in_line()
    if fiber then resume(fiber) end
  end
  if count > 0 or runnable.first <= runnable.last then
    limit = 0 -- somebody may have what they waited for
  elseif waiting_count == 0 and not limit and not next(handlers) then
    error(errors.new("EDEADLOCK", "deadlock: everything waits and nothing can wake it"), 0)
  end
  local signalled, failure = core.loop.step(limit), nil
  for _, id in ipairs(signalled) do
    for waiter in pairs(waiting[id] or {}) do wake(waiter) end
  end
  for _, id in ipairs(signalled) do
    if handlers[id] then
      local ok, problem = errors.try(handlers[id])
      failure = failure or not ok and problem
    end
  end
  if failure then error(failure, 0) end -- not before everybody was told
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
  put_in_line(fiber)
  return fiber
end

local function drain(pending)
  while #pending > 0 do
    local thing = pending[1] -- stays in the list: whoever waits here may be cancelled
    while pending[1] == thing and not thing:finished() do M.wait(thing:id()) end
    if pending[1] == thing then
      table.remove(pending, 1)
      thing:close()
    end
  end
end

--- Waits until all fibers have ended and all that they left behind is gone. When one fails, the
--- others are cancelled and its error is raised.
function group_type:wait()
  wait_in(self.waiters, function() return self.count == 0 or self.failure end)
  if self.failure then cancel_all(self) end
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
  cancel_all(self)
  end_if_cancelled()
end

function group_type:__close()
  cancel_all(self)
  local owner = self.owner
  for i = #owner.groups, 1, -1 do
    if owner.groups[i] == self and self.count == 0 then table.remove(owner.groups, i) end
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

-- What a fiber ended with, for who has waited for it.
local function outcome(fiber)
  if fiber.error == M.cancelled then error(errors.new("ECANCELED", "cancelled"), 0) end
  if not fiber.ok then error(fiber.error, 0) end
  return table.unpack(fiber.results, 1, fiber.results.n)
end

--- Runs `fn(...)` in a fiber, with the loop, to its end and to the end of all that it started.
--- Returns what it returns, raises what it raises.
function M.run(fn, ...)
  local group <close> = M.group()
  local fiber = group:spawn(fn, ...)
  group:wait()
  return outcome(fiber)
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

--- Runs `fn(...)`, and what it spawns, for at most `seconds`. Returns what it returns, or nil,
--- message, "ETIMEDOUT".
function M.timeout(seconds, fn, ...)
  local group <close> = M.group()
  local fiber, clock = group:spawn(fn, ...), group:spawn(M.sleep, seconds)
  wait_in(group.waiters, function() return clock.done or group.count == 1 or group.failure end)
  local expired = clock.done and group.count > 0
  cancel_all(group)
  group:wait()
  if expired then return nil, "timed out after " .. seconds .. " s", "ETIMEDOUT" end
  return outcome(fiber)
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
