-- agentlua.fiber.group: fibers that are started, waited for and cancelled together.

local scheduler = require "agentlua.fiber.scheduler"

local M = {}

local wait_in, cancel_all, end_if_cancelled = scheduler.wait_in, scheduler.cancel_all, scheduler.end_if_cancelled

local group_type = {}
group_type.__index = group_type

--- A group of fibers.
---@param options? { limit: integer? } limit: most fibers at once; spawn() waits for a place
function M.new(options)
  local owner = scheduler.current() or scheduler.outside
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
  local fiber = scheduler.start(self, fn, ...)
  self.running[fiber] = true
  self.count = self.count + 1
  return fiber
end

local function drain(pending)
  while #pending > 0 do
    local thing = pending[1] -- stays in the list: whoever waits here may be cancelled
    while pending[1] == thing and not thing:finished() do scheduler.wait(thing:id()) end
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
  if owner == scheduler.outside then return drain(self.pending) end
  table.move(self.pending, 1, #self.pending, #owner.pending + 1, owner.pending)
  self.pending = {}
end

--- Hands over a thing that is ending (finished(), id(), close()): the group of the fiber that runs
--- waits for it. Outside a fiber it is waited for at once.
function M.adopt(thing)
  local fiber = scheduler.current()
  if not fiber then return drain { thing } end
  fiber.pending[#fiber.pending + 1] = thing
end

return M
