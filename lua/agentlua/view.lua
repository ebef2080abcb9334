-- agentlua.view: what people see of a run: one line per step on stdout; on a terminal, below them, one for each
-- task that is worked on. Colour on a terminal only.

local core = require "agentlua.core"
local live = require "agentlua.terminal.live"

local M = {}

local has_colour = live.has_colour()
local colour = { start = "36", ["end"] = "32", error = "31", dim = "2" }

-- Lines below what is printed, while there are any.
local foot

--- Prints one line; whatever came from outside can do nothing to a terminal.
function M.say(text, kind)
  text = core.text.printable(text):gsub("\n", "\n  ")
  if has_colour and colour[kind] then text = ("\27[%sm%s\27[0m"):format(colour[kind], text) end
  text = os.date "%H:%M:%S " .. text
  if foot then return foot:print(text) end
  io.stdout:write(text, "\n")
  io.stdout:flush()
end

--- What is shown of an agent's events: with --verbose its text, else nothing.
function M.events(options)
  return function(task, event)
    if options.verbose and event.type == "text" then M.say(("  %s| %s"):format(task.id8 or "", event.text), "dim") end
  end
end

-- ---- tasks that are worked on -----------------------------------------------------------------------------

-- Fields of a row may come from a file: what is not as it should be is not there.
local function number(value) return type(value) == "number" and value or nil end
local function time(value)
  return type(value) == "string" and number(core.time.parse_iso(value)) or nil
end

--- Seconds as 3:05 or 1:02:33.
function M.duration(seconds)
  local s = math.max(0, seconds) // 1
  if s < 3600 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
end

local function amount(n) return n < 10000 and ("%d"):format(n) or ("%.0fk"):format(n / 1000) end

--- What something has used, in words: {turns?, tokens?, cost?}.
function M.usage(used)
  local words, turns, tokens, cost = {}, number(used.turns), number(used.tokens), number(used.cost)
  if turns and turns > 0 then words[#words + 1] = ("%d turn%s"):format(turns // 1, turns == 1 and "" or "s") end
  if tokens and tokens > 0 then words[#words + 1] = amount(tokens) .. " tokens" end
  if cost then words[#words + 1] = ("$%.2f"):format(cost) end
  return words
end

local function phase(row)
  local word = tostring(row.phase == "agent" and row.agent or row.phase)
  word = live.cut(word:match "[^/]+$" or word, 20) -- an agent may be the path of a program
  if row.phase == "waits" then
    local ends = time(row.waits_until)
    word = "waits" .. (row.account and " for " .. tostring(row.account) or "")
      .. (ends and os.date(" until %H:%M:%S", (ends + 0.5) // 1) or "")
  end
  return row.paused and word .. ", paused" or word
end

-- What is told of a row behind the name of its task. `now`: wall seconds; nil: no ages.
local function details(row, now)
  local words, began = { phase(row) }, time(row.started_at)
  table.move(M.usage(row), 1, 3, 2, words)
  if now and began and row.phase ~= "waits" then words[#words + 1] = M.duration(now - began) end
  local heard = time(row.last_output_at) or began
  if now and heard and row.phase == "agent" then
    words[#words + 1] = ("quiet %d s"):format(math.max(0, now - heard) // 1)
  end
  return live.cut(table.concat(words, "  "))
end

--- Lines for the tasks of a run, rows as in run/progress.lua: id, name, phase, what it has used, its age and how long
--- it has been quiet. Names are cut so that a line has at most `width` columns (nil: any). `now`: wall seconds;
--- nil: no ages.
function M.rows(rows, width, now)
  local tails, names, widest, tail = {}, {}, 0, 0
  for i, row in ipairs(rows) do
    tails[i], names[i] = details(row, now), live.cut(tostring(row.name))
    widest, tail = math.max(widest, live.width(names[i])), math.max(tail, live.width(tails[i]))
  end
  local column = math.min(widest, width and math.max(10, width - 12 - tail) or widest)
  local lines = {}
  for i, row in ipairs(rows) do
    local name = live.cut(names[i], column)
    lines[i] = live.cut(("%-8s  %s%s  %s"):format(tostring(row.id8), name,
      (" "):rep(column - live.width(name)), tails[i]), width)
  end
  return lines
end

--- Shows the tasks of a run below what is printed, if stdout is a terminal: until the fiber is cancelled.
function M.follow(progress, at)
  at = at or live.terminal()
  if not at then return end
  local lines = live.new(at)
  local _ <close> = setmetatable({}, { __close = function()
    lines:draw {}
    foot = nil
  end })
  foot = lines
  progress:follow(0.25, function()
    local _, columns = at.size()
    lines:draw(M.rows(progress.rows, columns - 1, core.time.now()))
  end, 1)
end

function M.summary(record)
  local c = record.counts
  M.say(("run %s ended: %s; %d done, %d failed, %d waiting for a person"):format(record.id, record.reason, c.done,
    c.failed, c.waiting))
end

return M
