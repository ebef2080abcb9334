-- agentlua task show ID

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local hidden = { id8 = true, file = true, attempts = true }

return {
  summary = "everything about one task",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local task = errors.check_usage(p.store:get(args.task))
    if args.json then
      print(core.json.dump(task, 2))
      return
    end
    local function line(name, value)
      if type(value) == "userdata" or value == "" or (type(value) == "table" and next(value) == nil) then return end
      if type(value) == "table" then value = core.json.dump(value, 2) end
      print(core.text.printable(("%-20s %s"):format(name, (tostring(value):gsub("\n", "\n" .. (" "):rep(21))))))
    end
    local first = { "name", "id", "status", "reason" }
    for _, name in ipairs(first) do
      line(name, task[name] or "")
      hidden[name] = true
    end
    local names = {}
    for name in pairs(task) do
      if not hidden[name] then names[#names + 1] = name end
    end
    table.sort(names)
    for _, name in ipairs(names) do line(name, task[name]) end
    local attempts = type(task.attempts) == "table" and task.attempts or {}
    for n, a in ipairs(attempts) do
      a = type(a) == "table" and a or {}
      local log = ("%s/runs/%s/%s/%d.stream.jsonl"):format(p.dir, a.run or "?",
        task.id8 or core.text.id8(task.id), n)
      line("attempt " .. n, ("%s  %s  %s  %s"):format(tostring(a.started_at):sub(1, 19),
        a.agent or "", a.ending or "unfinished", log))
    end
  end,
}
