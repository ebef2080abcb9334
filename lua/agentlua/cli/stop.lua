-- agentlua stop|pause|resume [RUN|TASK]

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local project = require "agentlua.project"
local runs = require "agentlua.run"

local M = { summary = "stop running work: everything, one run, or one task" }

-- True for a task that was begun and waits, for a limit or a place: nobody works on it who could be told.
local function waits(p, task)
  return (task.status == "todo" or task.status == "analysed") and #(task.attempts or {}) > 0
    and not p.store:is_owned(task.id)
end

--- The command for one order; pause.lua and resume.lua use it too.
function M.command(op, summary)
  return {
    summary = summary,
    configure = function(parser) parser:argument("what", "a run or a task; everything when left out"):args "?" end,
    run = function(args)
      local p = project.open { options = {} }
      local alive, known = {}, false
      for _, record in ipairs(runs.list(p)) do
        known = known or record.id == args.what
        if record.alive and (not args.what or record.id == args.what) then alive[#alive + 1] = record.id end
      end
      local task
      if args.what and not known then
        task = errors.check_usage(p.store:get(args.what))
        for _, record in ipairs(runs.list(p)) do
          if record.alive then alive[#alive + 1] = record.id end
        end
        if op == "resume" and task.hold then errors.check(p.store:update(task.id, { hold = core.json.null })) end
        if op == "stop" and waits(p, task) then errors.check(p.store:update(task.id, { hold = true })) end
      end
      for _, id in ipairs(alive) do errors.check(runs.send(p, id, { op = op, task = task and task.id })) end
      print(#alive == 0 and "nothing is running" or ("%s: %s"):format(op, table.concat(alive, " ")))
    end,
  }
end

for key, value in pairs(M.command("stop", M.summary)) do M[key] = value end
return M
