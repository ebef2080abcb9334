-- agentlua task split ID NAME NAME...

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local input = require "agentlua.cli.input"
local operations = require "agentlua.task.operations"

-- The parts in JSON: a list of {name, description, effort}, or an object with it as `sub_tasks` and a `reason`.
local function read(source)
  local value = core.json.parse(input(source))
  if type(value) ~= "table" then
    errors.usage("EINVAL", "the parts are not JSON: a list of {name, description, effort}")
  end
  return getmetatable(value) and { sub_tasks = value } or value
end

return {
  summary = "put parts in the place of a task; from an agent it is a proposal that a person approves",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("part", "name of a part"):args "*"
    parser:option("--file", "parts in JSON with name, description, effort; - for standard input"):argname "FILE"
    parser:option("--reason", "why"):argname "TEXT"
  end,
  run = function(args, p)
    local task = operations.task(p, args.task)
    local proposal = args.file and read(args.file) or { sub_tasks = core.json.array() }
    for _, name in ipairs(args.part) do proposal.sub_tasks[#proposal.sub_tasks + 1] = { name = name } end
    proposal.reason = args.reason or proposal.reason
    local result = operations.split(p, task, proposal, true)
    if result.noted then print(result.noted) end
    for _, child in ipairs(result.children or {}) do print(child.id) end
  end,
}
