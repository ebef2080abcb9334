-- agentlua task next

local core = require "agentlua.core"
local errors = require "agentlua.errors"

return {
  summary = "the task that would run next; --why says what keeps the others",
  configure = function(parser)
    parser:flag("--why", "reasons for every task that cannot run")
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local from = p.config.require_analysis and { "analysed" } or { "analysed", "todo" }
    if not args.why and not args.json then
      local id = p.store:next_id(core.json.array(from))
      local task = id and errors.check(p.store:get(id))
      if task then print(core.text.printable(("%s  %s"):format(task.id, task.name))) end
      return task and 0 or 3
    end
    local answer = errors.check(p.store:next(core.json.array(from)))
    if args.json then
      print(core.json.dump({ task = answer.task or core.json.null, blocked = core.json.array(answer.blocked) }, 2))
    elseif answer.task then
      print(core.text.printable(("%s  %s"):format(answer.task.id, answer.task.name)))
    end
    for _, task in ipairs(not args.json and answer.blocked or {}) do
      for _, why in ipairs(task.reasons) do
        print(core.text.printable(("%s  %s: %s"):format(task.id, task.name, why.text)))
      end
    end
    return answer.task and 0 or 3
  end,
}
