-- agentlua task split ID NAME NAME...

local claim = require "agentlua.cli.claim"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local input = require "agentlua.cli.input"
local questions = require "agentlua.questions"

local open = { todo = true, analysed = true, ["needs-input"] = true, failed = true, skipped = true }

-- The parts in JSON: a list of {name, description, effort}, or an object with it as `sub_tasks` and a `reason`.
local function read(source)
  local value = core.json.parse(input(source))
  if type(value) ~= "table" then
    errors.usage("EINVAL", "the parts are not JSON: a list of {name, description, effort}")
  end
  return getmetatable(value) and { sub_tasks = value } or value
end

local function check(proposal)
  local problem = fields.problem("split_proposal", proposal)
  if problem then errors.usage("EINVAL", problem) end
  for i, part in ipairs(proposal.sub_tasks or {}) do
    if type(part.name) ~= "string" or not part.name:find "%S" then
      errors.usage("EINVAL", "part " .. i .. " has no name")
    end
  end
  if #(proposal.sub_tasks or {}) == 0 then errors.usage("EINVAL", "no parts; name them, or --file with JSON") end
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
    local task = fields.sound(errors.check_usage(p.store:get(args.task)))
    local proposal = args.file and read(args.file) or { sub_tasks = core.json.array() }
    for _, name in ipairs(args.part) do proposal.sub_tasks[#proposal.sub_tasks + 1] = { name = name } end
    proposal.reason = args.reason or proposal.reason
    check(proposal)
    if claim(p, task, { to = "needs-input", split_proposal = proposal }) then return end
    if not open[task.status] then
      errors.usage("ESTATE", ("task '%s' is in %s; split is not possible from there"):format(task.id, task.status))
    end
    for _, child in ipairs(questions.approve(p.store, task, proposal)) do print(child.id) end
    p.events:append("task_moved", { task = task.id, from = task.status, to = "split", by = "person" })
  end,
}
