-- agentlua.limit.rate: how often, and how many at once, agents of one account may start; over all processes of the
-- user. `rate` in config.lua: {claude = {per_minute = 4, running = 2}}.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local state = require "agentlua.state"

local M = {}

-- ---- how often ----------------------------------------------------------------------------------------

-- {name: {next, boot}}: when the next start is due if they come evenly, on the clock that counts suspend.
local file = "starts.json"

local bucket = {}
bucket.__index = bucket

--- A bucket of starts that all processes of the user share by its name. Starts come evenly: one every
--- 60 / per_minute seconds; `burst` (1) of them may come at once after a pause.
---@param options { name: string, per_minute: number, burst: integer? }
function M.bucket(options)
  local every = 60 / options.per_minute
  return setmetatable({ name = options.name, every = every, slack = every * ((options.burst or 1) - 1) }, bucket)
end

-- When the next start is due. What is of another boot, or too far away to be true, does not count.
function bucket:due(kept)
  local now, due = state.clock.boot(), type(kept) == "table" and tonumber(kept.next)
  if not due or kept.boot ~= state.clock.boot_id() or due > now + self.slack + self.every then return now end
  return math.max(now, due)
end

--- Seconds until a start is possible; 0: now.
function bucket:remaining()
  return math.max(0, self:due(state.read(file)[self.name]) - self.slack - state.clock.boot())
end

--- Takes a start: true, or nil and the seconds until there is one.
---@return true | nil, number?
function bucket:take()
  return state.change(file, function(kept)
    local due = self:due(kept[self.name])
    local wait = due - self.slack - state.clock.boot()
    if wait > 0 then return nil, wait end
    kept[self.name] = { next = due + self.every, boot = state.clock.boot_id() }
    return true
  end)
end

--- Waits until there is a start, and takes it. `stopped()` is asked twice a second, if given.
---@return boolean taken  false: stopped
function bucket:wait(stopped)
  while not (stopped and stopped()) do
    local taken, seconds = self:take()
    if taken then return true end
    fiber.sleep(stopped and math.min(seconds, 0.5) or seconds)
  end
  return false
end

-- ---- how many at once ---------------------------------------------------------------------------------

-- Seconds after which it is looked again whether a place is free: kernel locks tell nobody that they are.
local look_again = 1

local function slot(account, n)
  return ("%s/slots/%s.%d"):format(state.dir(), core.text.sha256(account):sub(1, 16), n)
end

local function take_slot(account, running)
  errors.check(core.fs.mkdir(state.dir() .. "/slots"))
  for n = 1, running do
    local handle = errors.check(core.lock.try(slot(account, n)))
    if handle then return handle end
  end
end

local function slot_free(account, running)
  for n = 1, running do
    if not core.lock.held(slot(account, n)) then return true end
  end
  return false
end

--- Seconds until an agent of `account` may start; 0: now. `settings`: {per_minute=, running=} or nil.
function M.remaining(account, settings)
  if not settings then return 0 end
  if settings.running and not slot_free(account, settings.running) then return look_again end
  return settings.per_minute and M.bucket { name = account, per_minute = settings.per_minute }:remaining() or 0
end

--- Admits one agent of `account`: a place that is held until all who share its fd() have closed it, also
--- after a kill. Without a cap on those that run there is nothing to hold, and fd() is nil.
---@return table place {fd(), close()} | nil, number seconds  until it may be asked again
function M.admit(account, settings)
  settings = settings or {}
  local lock = settings.running and take_slot(account, settings.running)
  if settings.running and not lock then return nil, look_again end
  if settings.per_minute then
    local taken, seconds = M.bucket { name = account, per_minute = settings.per_minute }:take()
    if not taken then
      if lock then lock:close() end
      return nil, seconds
    end
  end
  local function close()
    if lock then lock:close() end
  end
  return setmetatable({ fd = function() return lock and lock:fd() end, close = close }, { __close = close })
end

return M
