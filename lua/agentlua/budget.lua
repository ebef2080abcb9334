-- agentlua.budget: what work may cost, kept while agents work. Amounts are {usd, tokens, turns, seconds} (tokens:
-- in and out; seconds: of agents at work, waits are not counted), the levels day > run > task > attempt. What is
-- kept is out of reach of scripts: they can lower it, never raise it.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local ledgers = require "agentlua.ledger"

local M = { figures = ledgers.figures }

local levels = { "day", "run", "task", "attempt" }

-- Share of a budget at which it is warned of.
local warn_at = 0.8

-- The smaller of two budgets, figure by figure.
local function lowest(most, given)
  local out = {}
  for _, figure in ipairs(M.figures) do
    local a, b = most[figure], type(given) == "table" and tonumber(given[figure]) or nil
    out[figure] = a and b and math.min(a, b) or a or b
  end
  return out
end

--- The budget of a run.
---@param most table {day=, run=, task=, attempt=}, each amounts; what is left out has no bound
---@param dir string directory of the run, beside those of the project's other runs
---@param on_warning fun(over: table) called once per budget when most of it is spent
---@return table budget lower exhausted meter
function M.open(most, dir, on_warning)
  local limits, ledger, warned = {}, ledgers.new(dir), {}
  for _, level in ipairs(levels) do limits[level] = lowest({}, most[level]) end

  -- The widest budget that is reached, or nil.
  local function reached(meter)
    for _, level in ipairs(levels) do
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

  --- True when some level has a bound of a figure.
  function budget.bounds(figure)
    for _, level in ipairs(levels) do
      if limits[level][figure] then return true end
    end
    return false
  end

  --- What of the run or the day is used up, or nil: {level, figure, used, most}.
  function budget.exhausted() return reached(nil) end

  --- A meter for one attempt. `task.budget` lowers the budget of the task, `given` that of the attempt;
  --- attempts up to number `task.budget_from` count no more: a person has let the task go on after them.
  --- take(state) -> over: what was seen of it until now, and the budget that is reached by that, if any;
  --- timed: somebody has to call take() by the clock; close().
  function budget.meter(task, given)
    local meter = {
      now = ledgers.amounts(), before = ledgers.amounts(), started = core.time.clock(),
      bounds = { task = lowest(limits.task, task.budget), attempt = lowest(limits.attempt, given) },
    }
    for n, entry in ipairs(task.attempts or {}) do
      if n > (math.tointeger(task.budget_from) or 0) then ledgers.add(meter.before, ledgers.spent(entry)) end
    end
    ledger.live[meter] = true
    local handle = { timed = false }
    for _, level in ipairs(levels) do
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
