-- agentlua status [--watch]

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"
local limit = require "agentlua.limit"
local live = require "agentlua.terminal.live"
local project = require "agentlua.project"
local questions = require "agentlua.task.questions"
local runs = require "agentlua.run"
local state = require "agentlua.state"
local store = require "agentlua.store"
local view = require "agentlua.view"

-- ---- what there is ----------------------------------------------------------------------------------------

-- What a task waits for a person with, {task, id, question}.
local function questions_of(task)
  local list = {}
  for _, one in ipairs(questions.pending(task)) do
    list[#list + 1] = { task = task.id8, id = one.id, question = one.question }
  end
  local proposal = task.split_proposal
  if #list == 0 and proposal and not proposal.status then
    list[1] = { task = task.id8, id = "split", question = "May it be split? " .. tostring(proposal.reason or "") }
  end
  return list
end

local function look(p)
  local now = { runs = core.json.array(runs.list(p)), limits = limit.all(), counts = {}, questions = core.json.array() }
  local tasks = errors.check(p.store:list())
  for _, task in ipairs(tasks) do
    now.counts[task.status] = (now.counts[task.status] or 0) + 1
    for _, one in ipairs(task.status == "needs-input" and questions_of(fields.sound(task)) or {}) do
      table.insert(now.questions, one)
    end
  end
  return now, tasks
end

-- ---- as lines ---------------------------------------------------------------------------------------------

local function run_lines(record, width, time, shown)
  local tasks = type(record.tasks) == "table" and record.tasks or {}
  local c = type(record.counts) == "table" and record.counts or {}
  local state_of = record.alive and ("running, pid %s; %s done, %s failed, %s waiting"):format(record.pid, c.done,
    c.failed, c.waiting) or tostring(record.reason or record.status)
  local lines = { ("run %s  %s  %s"):format(record.id, record.script, state_of) }
  for _, line in ipairs(record.alive and view.rows(tasks, width and width - 2, time) or {}) do
    lines[#lines + 1] = "  " .. line
  end
  for _, row in ipairs(record.alive and tasks or {}) do shown[row.id] = true end
  return lines
end

-- Lines of what look() has found. `time`: wall seconds; nil: no ages.
local function describe(now, tasks, width, time)
  local lines, rows, shown = {}, {}, {}
  local function add(...) lines[#lines + 1] = core.text.printable((...):gsub("\n", " ")) end
  for _, status in ipairs(store.statuses) do
    if now.counts[status] then rows[#rows + 1] = { status, now.counts[status] } end
  end
  if #rows == 0 then add 'no tasks; agentlua task add "..." adds one' end
  for _, line in ipairs(cli.table_lines(rows)) do lines[#lines + 1] = line end
  for i, record in ipairs(now.runs) do
    if record.alive or i > #now.runs - 5 then
      for _, line in ipairs(run_lines(record, width, time, shown)) do add(line) end
    end
  end
  local accounts = {}
  for account in pairs(now.limits) do accounts[#accounts + 1] = account end
  table.sort(accounts)
  for _, account in ipairs(accounts) do add("limit  " .. limit.describe(account, now.limits[account])) end
  for _, one in ipairs(now.questions) do add(("question  %s %s  %s"):format(one.task, one.id or "", one.question)) end
  for _, task in ipairs(tasks) do
    local working = task.status == "in-progress" or task.status == "analysing"
    if working and not shown[task.id] then add(("%s  %s  %s"):format(task.status, task.id8, task.name)) end
  end
  return lines
end

-- ---- once, or again and again -----------------------------------------------------------------------------

-- Rings the bell whenever something may have changed, until the handle is closed. look_again(): sees new runs.
local function watch(p, bell)
  local function ring() bell:ring() end
  local handles, watched = { p.store:watch(ring), state.watch(ring) }, {}
  local self = {}
  function self.look_again()
    local paths = { [p.dir] = true, [p.dir .. "/runs"] = true }
    for _, record in ipairs(runs.list(p)) do
      if record.alive then paths[p.dir .. "/runs/" .. record.id] = true end
    end
    for path, handle in pairs(watched) do
      if not paths[path] then
        handle.close()
        watched[path] = nil
      end
    end
    for path in pairs(paths) do
      local source = not watched[path] and core.loop.watch_path(path)
      if source then watched[path] = fiber.on_source(source, ring) end
    end
  end
  return setmetatable(self, { __close = function()
    for _, handle in pairs(watched) do handle.close() end
    for _, handle in ipairs(handles) do handle.close() end
  end })
end

-- Shows it after every change until Ctrl-C: in place on a terminal, where ages run on; else one block each.
local function follow(p, json)
  local bell, stopped, before = fiber.bell(), false, nil
  local terminal = not json and live.terminal()
  local drawn = terminal and live.new(terminal)
  local changes <close> = watch(p, bell)
  local _ <close> = fiber.on("INT", function()
    stopped = true
    bell:ring()
  end)
  while not stopped do
    changes.look_again()
    local now, tasks = look(p)
    local lines = json and { core.json.dump(now) } or describe(now, tasks, drawn and select(2, terminal.size()) - 1,
      drawn and core.time.now())
    local text = table.concat(lines, "\n")
    if drawn then
      drawn:draw(lines)
    elseif text ~= before then
      io.stdout:write(before and not json and "\n" or "", text, "\n")
      io.stdout:flush()
    end
    before = text
    local running = false
    for _, record in ipairs(now.runs) do running = running or record.alive and #(record.tasks or {}) > 0 end
    bell:wait(drawn and running and 1 or nil)
    fiber.sleep(0.1) -- changes come in crowds
  end
  if drawn then
    drawn:draw {}
    drawn:print(before)
  end
  return 130
end

return {
  summary = "tasks by status, running work, limits in force, questions",
  configure = function(parser)
    parser:flag("--watch", "show it again after every change, until Ctrl-C")
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    if args.watch then return fiber.run(follow, p, args.json) end
    local now, tasks = look(p)
    print(args.json and core.json.dump(now, 2) or table.concat(describe(now, tasks, nil, core.time.now()), "\n"))
    for _, problem in ipairs(errors.check(p.store:problems())) do errors.warn("unreadable: " .. problem.reason) end
  end,
}
