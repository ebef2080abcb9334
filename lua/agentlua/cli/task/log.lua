-- agentlua task log ID

local errors = require "agentlua.errors"
local log = require "agentlua.cli.log"

return {
  summary = "the events of a task, oldest first",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    log.configure_view(parser)
  end,
  run = function(args, p)
    return log.show(p, errors.check_usage(p.store:get(args.task)).id, args)
  end,
}
