-- agentlua task edit ID FIELD=VALUE...

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"

local fixed = {
  id = true, status = true, file = true, id8 = true, created_at = true, updated_at = true, worktree = true,
  analysis_worktree = true,
}

return {
  summary = "set fields of a task; a value that is JSON is taken as JSON",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("change", "FIELD=VALUE"):args "+"
  end,
  run = function(args, p)
    local task = errors.check_usage(p.store:get(args.task))
    local patch = {}
    for _, change in ipairs(args.change) do
      local name, text = change:match "^([%w_]+)=(.*)$"
      if not name then errors.usage("EUSAGE", "'" .. core.text.printable(change) .. "' is not FIELD=VALUE") end
      if fixed[name] then
        errors.usage("EINVAL", "field '" .. name .. "' cannot be edited; see agentlua task --help")
      end
      local value = core.json.parse(text)
      local holds_text = type(task[name]) == "string" and not fields.known[name]
      if value == nil or value ~= core.json.null and (holds_text or fields.problem(name, value)) then value = text end
      local problem = fields.problem(name, value)
      if problem then errors.usage("EINVAL", "field " .. problem .. "; nothing was changed") end
      patch[name] = value
    end
    errors.check_usage(p.store:update(task.id, patch))
  end,
}
