-- agentlua.ledger: what a run has spent, and what the other runs of its project have today. Amounts are {usd,
-- tokens, turns, seconds}.

local core = require "agentlua.core"

local M = {}

M.figures = { "usd", "tokens", "turns", "seconds" }

--- Nothing spent.
function M.amounts() return { usd = 0, tokens = 0, turns = 0, seconds = 0 } end
--- Adds amounts to others, which it returns.
function M.add(to, more)
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

local function today() return os.date "%Y-%m-%d" end

-- What the other runs of a project have spent today, a second ago at most.
local function others_today(dir)
  local runs_dir, own = dir:match "^(.*)/([^/]*)$"
  local sum, looked, day = M.amounts(), -math.huge, nil
  return function()
    if day == today() and core.time.clock() - looked < 1 then return sum end
    sum, looked, day = M.amounts(), core.time.clock(), today()
    local midnight = os.time { year = day:sub(1, 4), month = day:sub(6, 7), day = day:sub(9, 10), hour = 0 }
    for _, id in ipairs(core.fs.list(runs_dir) or {}) do
      local path = runs_dir .. "/" .. id .. "/spent.json"
      local info = id ~= own and core.fs.stat(path)
      local days = info and info.mtime >= midnight and core.json.parse(core.fs.read(path) or "")
      if type(days) == "table" and type(days[day]) == "table" then M.add(sum, days[day]) end
    end
    return sum
  end
end

--- Everything that is counted for the run of a directory: what its attempts spend, and what it keeps of that for
--- others.
function M.new(dir)
  local ledger = { run = M.amounts(), days = {}, live = {}, others = others_today(dir), written = -math.huge }

  function ledger.charge(meter, now)
    local more, day = {}, today()
    for figure, value in pairs(now) do
      more[figure] = value - meter.now[figure]
      meter.now[figure] = value
    end
    M.add(ledger.run, more)
    ledger.days[day] = M.add(ledger.days[day] or M.amounts(), more)
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
    if level == "day" then return M.add(M.add(M.amounts(), ledger.days[today()] or {}), ledger.others()) end
    if not meter then return M.amounts() end
    return level == "attempt" and meter.now or M.add(M.add(M.amounts(), meter.before), meter.now)
  end
  return ledger
end

return M
