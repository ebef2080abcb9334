-- agentlua.attempt.history: what the attempts of a task say about the next one. They are kept in the task, so a killed
-- host and a restart change nothing of it.
--
-- An attempt is {n, agent, account, phase, ending, session, seconds, ...} and what attempts.lua adds: spent =
-- it counts as a failed one, feedback = what the next one is told, retry = the vendor had a trouble that passes,
-- last = the task was handed over with it, and what comes after begins anew.

local M = {}

-- An agent that is dead within these seconds has not worked.
local quick = 2

--- The attempts of a phase since the task was last handed over, oldest first.
function M.series(task, phase)
  local all, from = task.attempts or {}, 1
  for i = #all, 1, -1 do
    if all[i].last or all[i].phase ~= phase then
      from = i + 1
      break
    end
  end
  return table.move(all, from, #all, 1, {})
end

-- These say nothing of the work.
local function is_idle(one)
  return not one.ending or one.ending == "stopped" or one.ending == "limit" or one.retry == true
    or one.no_session == true
end

-- The newest attempts in a row that `is` holds for, and the oldest of these. Idle ones are passed over.
local function in_a_row(series, is)
  local count, first = 0, nil
  for i = #series, 1, -1 do
    local one = series[i]
    if is(one) then
      count, first = count + 1, one
    elseif not is_idle(one) then
      break
    end
  end
  return count, first
end

--- Attempts of a series that count as failed.
function M.spent(series)
  local count = 0
  for _, one in ipairs(series) do
    if one.spent == true then count = count + 1 end
  end
  return count
end

--- How many of the newest in a row ended so, and the first of these.
---@param backend table? only those of its account
function M.ended(series, ending, backend)
  return in_a_row(series, function(one)
    return one.ending == ending and (not backend or one.account == backend.account)
  end)
end
--- How many of the newest in a row met a trouble that passes.
function M.retries(series) return (in_a_row(series, function(one) return one.retry == true end)) end
--- How many of the newest in a row were dead at once.
function M.quick_crashes(series)
  return (in_a_row(series, function(one)
    return one.ending == "crash" and (tonumber(one.seconds) or quick) < quick
  end))
end

--- What the next attempt is to know of what went wrong in the newest one that has worked; nil: nothing.
function M.failure(series)
  for i = #series, 1, -1 do
    local one = series[i]
    if type(one.feedback) == "string" then return one.feedback end
    if not is_idle(one) then return nil end
  end
end

return M
