-- agentlua.budget: what work may cost, kept while agents work. Amounts are {usd, tokens, turns, seconds} (tokens:
-- in and out; seconds: of agents at work, waits are not counted), the levels day > run > task > attempt. What is
-- kept is out of reach of scripts: they can lower it, never raise it.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

M.levels = { "day", "run", "task", "attempt" }
M.figures = { "usd", "tokens", "turns", "seconds" }

-- Share of a budget at which it is warned of.
local warn_at = 0.8

local function amounts() return { usd = 0, tokens = 0, turns = 0, seconds = 0 } end
local function add(to, more)
  for _, figure in ipairs(M.figures) do to[figure] = to[figure] + (tonumber(more[figure]) or 0) end
  return to
end

--- What an attempt has spent, from its record in the task.
function M.spent(entry)
  local tokens = type(entry.tokens) == "table" and entry.tokens or {}
  return {
    usd = tonumber(entry.cost) or 0, tokens = (tonumber(tokens["in"]) or 0) + (tonumber(tokens.out) or 0),
    turns = tonumber(entry.turns) or 0, seconds = tonumber(entry.seconds) or 0,
  }
end

-- The smaller of two budgets, figure by figure.
local function lowest(most, given)
  local out = {}
  for _, figure in ipairs(M.figures) do
    local a, b = most[figure], type(given) == "table" and tonumber(given[figure]) or nil
    out[figure] = a and b and math.min(a, b) or a or b
  end
  return out
end

local function today() return os.date "%Y-%m-%d" end

-- What the other runs of a project have spent today, a second ago at most.
local function others_today(dir)
  local runs_dir, own = dir:match "^(.*)/([^/]*)$"
  local sum, looked, day = amounts(), -math.huge, nil
  return function()
    if day == today() and core.time.clock() - looked < 1 then return sum end
    sum, looked, day = amounts(), core.time.clock(), today()
    local midnight = os.time { year = day:sub(1, 4), month = day:sub(6, 7), day = day:sub(9, 10), hour = 0 }
    for _, id in ipairs(core.fs.list(runs_dir) or {}) do
      local path = runs_dir .. "/" .. id .. "/spent.json"
      local info = id ~= own and core.fs.stat(path)
      local days = info and info.mtime >= midnight and core.json.parse(core.fs.read(path) or "")
      if type(days) == "table" and type(days[day]) == "table" then add(sum, days[day]) end
    end
    return sum
  end
end

-- Everything that is counted for a run: what its attempts spend, and what it keeps of that for others.
local function new_ledger(dir)
  local ledger = { run = amounts(), days = {}, live = {}, others = others_today(dir), written = -math.huge }

  function ledger.charge(meter, now)
    local more, day = {}, today()
    for figure, value in pairs(now) do
      more[figure] = value - meter.now[figure]
      meter.now[figure] = value
    end
    add(ledger.run, more)
    ledger.days[day] = add(ledger.days[day] or amounts(), more)
  end
  -- The clock runs for silent agents too.
  function ledger.tick()
    for meter in pairs(ledger.live) do ledger.charge(meter, { seconds = core.time.clock() - meter.started }) end
  end
  function ledger.write(force)
    if not force and core.time.clock() - ledger.written < 1 then return end
    ledger.written = core.time.clock()
    return core.fs.write { path = dir .. "/spent.json", content = core.json.dump(ledger.days) }
  end
  function ledger.used(level, meter)
    if level == "run" then return ledger.run end
    if level == "day" then return add(add(amounts(), ledger.days[today()] or {}), ledger.others()) end
    if not meter then return amounts() end
    return level == "attempt" and meter.now or add(add(amounts(), meter.before), meter.now)
  end
  return ledger
end

--- The budget of a run.
---@param most table {day=, run=, task=, attempt=}, each amounts; what is left out has no bound
---@param dir string directory of the run, beside those of the project's other runs
---@param on_warning fun(over: table) called once per budget when most of it is spent
---@return table budget lower exhausted meter
function M.open(most, dir, on_warning)
  local limits, ledger, warned = {}, new_ledger(dir), {}
  for _, level in ipairs(M.levels) do limits[level] = lowest({}, most[level]) end

  -- The widest budget that is reached, or nil.
  local function reached(meter)
    for _, level in ipairs(M.levels) do
      local bounds = meter and meter.bounds[level] or limits[level]
      local used = next(bounds) and ledger.used(level, meter)
      for figure, bound in pairs(bounds) do
        local over = { level = level, figure = figure, used = used[figure], most = bound }
        if over.used >= bound then return over end
        local key = level .. figure .. (meter and meter.bounds[level] and tostring(meter) or "")
        if over.used >= warn_at * bound and not warned[key] then
          warned[key] = true
          on_warning(over)
        end
      end
    end
  end

  local budget = {}

  --- Lowers the budget of a level from now on.
  function budget.lower(level, given)
    if not limits[level] then errors.usage("EINVAL", "there is no budget of a '" .. tostring(level) .. "'") end
    limits[level] = lowest(limits[level], given)
  end

  --- What of the run or the day is used up, or nil: {level, figure, used, most}.
  function budget.exhausted() return reached(nil) end

  --- A meter for one attempt. `task.budget` lowers the budget of the task, `given` that of the attempt;
  --- attempts up to number `task.budget_from` count no more: a person has let the task go on after them.
  --- take(state) -> over: what was seen of it until now, and the budget that is reached by that, if any;
  --- timed: somebody has to call take() by the clock; close().
  function budget.meter(task, given)
    local meter = {
      now = amounts(), before = amounts(), started = core.time.clock(),
      bounds = { task = lowest(limits.task, task.budget), attempt = lowest(limits.attempt, given) },
    }
    for n, entry in ipairs(task.attempts or {}) do
      if n > (math.tointeger(task.budget_from) or 0) then add(meter.before, M.spent(entry)) end
    end
    ledger.live[meter] = true
    local handle = { timed = false }
    for _, level in ipairs(M.levels) do
      handle.timed = handle.timed or (meter.bounds[level] or limits[level]).seconds ~= nil
    end
    function handle.take(state)
      ledger.charge(meter, {
        usd = state.cost or 0, tokens = state.tokens_in + state.tokens_out, turns = state.turns,
      })
      ledger.tick()
      ledger.write()
      return reached(meter)
    end
    function handle.close()
      ledger.tick()
      ledger.live[meter] = nil
      return ledger.write(true)
    end
    return handle
  end
  return budget
end

local units = { usd = "$%.2f", tokens = "%.0f tokens", turns = "%.0f turns", seconds = "%.0f s" }

--- A reached budget as a sentence.
function M.describe(over)
  local unit = units[over.figure]
  return ("the budget of the %s is used up: %s of %s"):format(over.level, unit:format(over.used),
    unit:format(over.most))
end

return M
