-- agentlua.cli.order: the commands that give an order to what works: stop, pause and resume [RUN|TASK].

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local project = require "agentlua.project"
local runs = require "agentlua.run"

-- The runs that a key names, by id or the beginning of it: those that live, and those that do not.
local function find_runs(all, key)
  local alive, ended = {}, {}
  for _, record in ipairs(all) do
    if record.id:sub(1, #key) == key then table.insert(record.alive and alive or ended, record) end
  end
  return alive, ended
end

local function ambiguous(key, alive, task)
  local names = {}
  for i, record in ipairs(alive) do names[i] = "run " .. record.id end
  if task then names[#names + 1] = ("task %s '%s'"):format(task.id, task.name) end
  errors.usage("EAMBIGUOUS", ("'%s' is ambiguous: %s"):format(key, table.concat(names, ", ")))
end

-- What a key names: a run that lives, or a task. Anything else ends here.
local function find(p, all, key)
  local alive, ended = find_runs(all, key)
  local task, message, code = p.store:get(key)
  if code == "EAMBIGUOUS" then errors.usage(code, message) end
  if #alive + (task and 1 or 0) > 1 then ambiguous(key, alive, task) end
  if alive[1] or task then return alive[1], task end
  local one = ended[#ended]
  if one then
    errors.usage("EENDED", ("run %s does not run any more: it ended, %s"):format(one.id,
      tostring(one.reason or one.status)))
  end
  errors.usage(code, ("there is no run and no task '%s'; agentlua status and agentlua task list show what is there")
    :format(key))
end

-- What is done about a task that nobody works on: it is held back from runs, or let go.
local function keep(p, op, task)
  local waits = task.status == "todo" or task.status == "analysed"
  local hold = task.hold == true
  if op == "stop" and waits then
    errors.check(p.store:update(task.id, { hold = true }))
    return "is held; agentlua resume lets it go"
  elseif op == "resume" and hold then
    errors.check(p.store:update(task.id, { hold = core.json.null }))
    return "is not held any more; a run may take it"
  end
  errors.usage("ESTATE", ("nobody works on task '%s': it is in %s%s"):format(task.name, task.status,
    op == "pause" and waits and "; agentlua stop keeps it from being taken" or ""))
end

local said = { stop = "is stopped", pause = "is paused", resume = "goes on" }

--- The command for one order.
---@param op "stop"|"pause"|"resume"
return function(op, summary)
  return {
    summary = summary,
    configure = function(parser)
      parser:argument("what", "a run or a task, by its id or the beginning of it; everything when left out"):args "?"
    end,
    run = function(args)
      local p = project.open { options = {} }
      local all, run, task = runs.list(p), nil, nil
      if args.what then run, task = find(p, all, args.what) end
      local function tell(name, what) print(core.text.printable(("%s %s"):format(name, what))) end
      local name = task and ("task %s '%s'"):format(task.id8, task.name)
      if task and not p.store:is_owned(task.id) then return tell(name, keep(p, op, task)) end
      local count = 0
      for _, record in ipairs(all) do
        if record.alive and (not run or run.id == record.id) then
          errors.check(runs.send(p, record.id, { op = op, task = task and task.id }))
          if not task then tell("run " .. record.id, said[op]) end
          count = count + 1
        end
      end
      if task then return tell(name, said[op]) end
      if count == 0 then print "nothing is running" end
    end,
  }
end
