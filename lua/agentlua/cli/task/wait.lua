-- agentlua task wait ID...

local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"

-- Statuses that a task has ended in; true: well.
local ended = { done = true, split = true, failed = false, skipped = false, cancelled = false }

local function seconds(text)
  local n = tonumber(text)
  if not n or not (n >= 0 and n < 1e9) then return nil, "'" .. text .. "' is not a number of seconds" end
  return n
end

local function describe(tasks)
  local words = {}
  for i, task in ipairs(tasks) do words[i] = ("'%s' (%s) is in %s"):format(task.name, task.id, task.status) end
  return table.concat(words, ", ")
end

-- The tasks that are still open, and those that ended badly.
local function look(store, ids)
  local open, bad = {}, {}
  for _, id in ipairs(ids) do
    local task = errors.check_usage(store:get(id))
    if ended[task.status] == nil then open[#open + 1] = task end
    if ended[task.status] == false then bad[#bad + 1] = task end
  end
  return open, bad
end

local function wait(store, ids)
  local bell = fiber.bell()
  local watch <close> = store:watch(function() bell:ring() end) -- before the first look: nothing is missed
  local open, bad = look(store, ids)
  while #open > 0 do
    bell:wait()
    open, bad = look(store, ids)
  end
  return bad
end

return {
  summary = "wait until tasks have ended: 0, 1 if one is failed, skipped or cancelled, 124 on timeout",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug"):args "+"
    parser:option("--timeout", "at most so long"):convert(seconds):argname "SECONDS"
  end,
  run = function(args, p)
    local ids = {}
    for i, key in ipairs(args.task) do ids[i] = errors.check_usage(p.store:get(key)).id end
    local bad
    if args.timeout then
      bad = fiber.timeout(args.timeout, wait, p.store, ids)
    else
      bad = wait(p.store, ids)
    end
    if not bad then
      local open = look(p.store, ids)
      error(errors.new("ETIMEDOUT", ("timed out after %g s: %s"):format(args.timeout, describe(open)), 124), 0)
    end
    if #bad > 0 then error(errors.new("EFAILED", describe(bad) .. "; agentlua task show says why", 1), 0) end
  end,
}
