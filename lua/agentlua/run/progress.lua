-- agentlua.run.progress: what each task of a run is at, for the record of the run and for who looks on.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"

local M = {}

local progress = {}
progress.__index = progress

--- What a run is at. A row is {id, id8, name, phase, attempt?, agent?, turns, tokens, cost?, started_at,
--- last_output_at?, paused?, waits_until?, account?}; phase is setup, agent, verify, land or waits; times are
--- ISO-8601.
function M.new() return setmetatable({ rows = core.json.array(), tasks = {}, bells = {} }, progress) end

local function place_of(self, id)
  for i, row in ipairs(self.rows) do
    if row.id == id then return i, row end
  end
end

function progress:changed()
  for bell in pairs(self.bells) do bell:ring() end
end

local function drop(self, id)
  local place = place_of(self, id)
  if place then table.remove(self.rows, place) end
end

--- A task is worked on from now on, until the handle is closed.
function progress:begin(task)
  drop(self, task.id)
  self.rows[#self.rows + 1] = {
    id = task.id, id8 = fields.id8(task), name = task.name, phase = "setup", turns = 0, tokens = 0,
    started_at = core.time.iso(),
  }
  self.tasks[task.id] = task
  self:changed()
  return setmetatable({}, { __close = function()
    local _, row = place_of(self, task.id)
    self.tasks[task.id] = nil
    if row and row.phase ~= "waits" then drop(self, task.id) end
    self:changed()
  end })
end

--- The task of that id that is worked on, as its loop knows it, or nil.
function progress:task(id) return self.tasks[id] end

--- Changes the row of a task; does nothing when it is not worked on.
function progress:set(task, changes)
  local _, row = place_of(self, task.id)
  if not row then return end
  for name, value in pairs(changes) do row[name] = value or nil end
  self:changed()
end

--- An agent begins to work on a task.
function progress:attempt(task, n, agent)
  self:set(task, {
    phase = "agent", attempt = n, agent = agent, turns = 0, tokens = 0, cost = false, started_at = core.time.iso(),
    last_output_at = false,
  })
end

--- An agent has said something. `state`: of its collector.
function progress:heard(task, state)
  self:set(task, {
    turns = state.turns, tokens = state.tokens_in + state.tokens_out, cost = state.cost,
    last_output_at = core.time.iso(),
  })
end

--- A task was put back to wait; its row stays. `ends`: wall seconds, if known.
function progress:waits(task, account, ends)
  self:set(task, { phase = "waits", account = account, waits_until = ends and core.time.iso(ends) })
end

--- Drops the rows of waiting tasks that are not in `left`, {id = seconds}: nobody waits for them any more.
function progress:prune(left)
  for i = #self.rows, 1, -1 do
    if self.rows[i].phase == "waits" and not left[self.rows[i].id] then
      table.remove(self.rows, i)
      self:changed()
    end
  end
end

--- True while something of the rows changes by itself: their ages.
function progress:is_busy() return next(self.tasks) ~= nil end

--- Calls `fn()` after every change, but not again within `seconds`; with `tick`, also whenever so many seconds
--- have passed while tasks are worked on. Until its fiber is cancelled.
function progress:follow(seconds, fn, tick)
  local bell = fiber.bell()
  self.bells[bell] = true
  while true do
    bell:wait(self:is_busy() and tick or nil)
    fn()
    fiber.sleep(seconds)
  end
end

return M
