-- agentlua status

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local limit = require "agentlua.limit"
local project = require "agentlua.project"
local runs = require "agentlua.run"
local store = require "agentlua.store"

return {
  summary = "tasks by status, running work, limits in force",
  configure = function(parser) parser:flag("--json", "for machines") end,
  run = function(args)
    local p = project.open { options = {} }
    local counts, rows = {}, {}
    local tasks = errors.check(p.store:list())
    for _, task in ipairs(tasks) do counts[task.status] = (counts[task.status] or 0) + 1 end
    local all = runs.list(p)
    if args.json then
      print(core.json.dump({ runs = core.json.array(all), limits = limit.all(), counts = counts }, 2))
      return
    end
    for _, status in ipairs(store.statuses) do
      if counts[status] then rows[#rows + 1] = { status, counts[status] } end
    end
    if #rows == 0 then print 'no tasks; agentlua task add "..." adds one' end
    cli.print_table(rows)
    for i = math.max(1, #all - 4), #all do
      local r = all[i]
      local state = r.alive and "running, pid " .. tostring(r.pid) or tostring(r.reason or r.status)
      print(core.text.printable(("run %s  %s  %s"):format(r.id, r.script, state)))
    end
    for account, held in pairs(limit.all()) do
      print("limit  " .. core.text.printable(limit.describe(account, held)))
    end
    for _, task in ipairs(tasks) do
      if task.status == "in-progress" or task.status == "analysing" then
        print(("%s  %s  %s"):format(task.status, task.id8, core.text.printable(task.name)))
      end
    end
    for _, problem in ipairs(errors.check(p.store:problems())) do
      io.stderr:write("agentlua: unreadable: ", core.text.printable(problem.reason), "\n")
    end
  end,
}
