-- agentlua.fiber.scheduler: who runs, who waits for what, and the turns of the event loop. fiber.lua is what
-- scripts use; group.lua starts fibers and waits for them.
--
-- A fiber is {co, entry, group, groups, pending}: its coroutine and the function that it runs, the
-- group it belongs to, the groups that it made, and the things that are still ending when it has ended.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local whereabouts = require "agentlua.fiber.whereabouts"

local M = {}

local fiber_of = setmetatable({}, { __mode = "k" }) -- coroutine -> its fiber
local runnable = { first = 1, last = 0 } -- fibers that go on in the next turn
local waiting = {} -- id -> waiters that are woken when the loop signals it
local waiting_count = 0
local handlers = {} -- id -> function called when the loop signals it
local current -- the fiber that runs, also while its <close> handlers do
local watchdog -- told about every fiber that goes on

--- Stands for code that is in no fiber.
M.outside = { pending = {}, groups = {} }

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
  local problem = M.outside.group and M.outside.group.failure
  if current or not problem then return end
  M.outside.group.failure = nil
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
function M.wait_in(list, condition)
  while not condition() do
    check_may_wait()
    local waiter = {}
    list[#list + 1] = waiter
    block(waiter)
  end
end

--- Wakes everybody in `list`, and empties it.
function M.wake_all(list)
  for i = 1, #list do
    wake(list[i])
    list[i] = nil
  end
end

-- ---- fibers ---------------------------------------------------------------------------------------

--- What a cancelled fiber ended with.
M.cancelled = errors.new("ECANCELED", "cancelled")

local cancel -- function(fiber)

--- Cancels every fiber of a group.
function M.cancel_all(group)
  local all = {}
  for fiber in pairs(group.running) do all[#all + 1] = fiber end
  for _, fiber in ipairs(all) do cancel(fiber) end
end

local function cancel_groups(fiber)
  for i = #fiber.groups, 1, -1 do M.cancel_all(fiber.groups[i]) end
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
  M.wake_all(group.waiters)
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
  if watchdog then watchdog:begin(whereabouts.name(fiber)) end
  local results = table.pack(coroutine.resume(fiber.co, ...))
  current = before
  if coroutine.status(fiber.co) == "dead" then
    if results[1] then
      finish(fiber, table.unpack(results, 1, results.n))
    else
      local problem = results[2]
      if problem ~= M.cancelled then
        problem = errors.wrap(problem, debug.traceback(fiber.co) .. "\n\tin " .. whereabouts.name(fiber))
      end
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

--- A fiber that has cancelled itself, or what it belongs to, ends here.
function M.end_if_cancelled()
  local fiber = fiber_of[coroutine.running()]
  if fiber and fiber.cancel_wanted and coroutine.isyieldable() then coroutine.yield() end
end

--- Ends a fiber: its <close> variables are closed, innermost first. It ends at once when it waits
--- or is the one that calls, and at its next wait otherwise.
function M.cancel(fiber)
  cancel(fiber)
  M.end_if_cancelled()
end

local function deadlock()
  local stuck = {}
  for _, fiber in pairs(fiber_of) do
    if fiber.waiter and not fiber.ending then stuck[#stuck + 1] = fiber end
  end
  return errors.new("EDEADLOCK", whereabouts.deadlock(stuck))
end

-- Waits for events, at most `limit` seconds, and tells those whom they concern.
local function deliver(limit)
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

--- Looks for events and lets no fiber go on: for a hook that interrupts a script which does not yield.
function M.poll() deliver(0) end

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
    error(deadlock(), 0)
  end
  if watchdog then watchdog:rest() end
  deliver(limit)
end

--- Makes a fiber of `group` that runs `fn(...)` from the next turn on.
function M.start(group, fn, ...)
  local args = table.pack(...)
  local fiber = { entry = fn, group = group, groups = {}, pending = {} }
  fiber.co = coroutine.create(function() return fn(table.unpack(args, 1, args.n)) end)
  fiber_of[fiber.co] = fiber
  put_in_line(fiber)
  return fiber
end

--- The fiber that runs, or nil; also while its <close> handlers do.
function M.current() return current end

--- Has every fiber that does not come back within `seconds` named on stderr. Returns a handle.
function M.watch(seconds)
  watchdog = assert(core.watchdog.start(seconds))
  local function stop()
    watchdog:close()
    watchdog = nil
  end
  return setmetatable({ close = stop }, { __close = stop })
end

--- For a foreign event loop: wait until fd() is readable, at most timeout() seconds (nil: for ever),
--- then call step(), which never waits.
M.loop = {
  fd = core.loop.fd,
  timeout = function() return runnable.first <= runnable.last and 0.0 or core.loop.timeout() end,
  step = function()
    M.turn(0)
    raise_lost()
  end,
}

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

return M
