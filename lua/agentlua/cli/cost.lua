-- agentlua cost

local budget = require "agentlua.budget"
local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local project = require "agentlua.project"

-- What attempts are counted by.
local keys = {
  task = function(event, names) return names[event.task] or event.task end,
  agent = function(event) return event.agent end,
  day = function(event)
    local time = tonumber(core.time.parse_iso(event.time))
    return time and os.date("%Y-%m-%d", time // 1)
  end,
}

local function names_of(p)
  local names = {}
  for _, task in ipairs(errors.check(p.store:list())) do names[task.id] = ("%s  %s"):format(task.id8, task.name) end
  return names
end

-- Sums of attempts, in the order in which each key was first seen.
local function sums(p, by)
  local rows, found, names = core.json.array(), {}, by == "task" and names_of(p) or {}
  for event in events.read(p.dir .. "/events.jsonl") do
    local key = event.type == "attempt_ended" and keys[by](event, names)
    if type(key) == "string" then
      local row = found[key] or {
        [by] = key, attempts = 0, turns = 0, tokens = 0, seconds = 0, usd = 0, unknown = 0, estimated = 0,
      }
      if not found[key] then rows[#rows + 1] = row end
      found[key] = row
      row.attempts = row.attempts + 1
      for field, name in pairs { turns = "turns", tokens = "tokens", seconds = "seconds", usd = "cost" } do
        row[field] = row[field] + (tonumber(event[name]) or 0)
      end
      if not tonumber(event.cost) then row.unknown = row.unknown + 1 end
      if event.cost_kind == "estimated" then row.estimated = row.estimated + 1 end
    end
  end
  return rows
end

-- Dollars, honest about what is not known of them.
local function usd(row)
  if row.unknown == row.attempts then return "unknown" end
  return ("%s%s$%.2f"):format(row.unknown > 0 and "at least " or "", row.estimated > 0 and "about " or "", row.usd)
end

return {
  summary = "what agents have cost: attempts, turns, tokens, time, dollars",
  configure = function(parser)
    parser:option("--by", "counted by"):choices { "task", "agent", "day" }:default "task"
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local rows = sums(p, args.by)
    if args.json then return print(core.json.dump(rows, 2)) end
    local table_rows = { { args.by, "attempts", "turns", "tokens", "time", "dollars" } }
    for _, row in ipairs(rows) do
      table_rows[#table_rows + 1] = {
        row[args.by], row.attempts, row.turns, row.tokens, ("%.0f s"):format(row.seconds), usd(row),
      }
    end
    cli.print_table(table_rows)
    for level, amounts in pairs(p.config.budget) do
      for _, figure in ipairs(budget.figures) do
        if amounts[figure] then print(("budget of the %s: %s %s"):format(level, amounts[figure], figure)) end
      end
    end
  end,
}
