-- agentlua task add NAME

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local function number(text)
  return math.tointeger(tonumber(text)) or nil, "'" .. text .. "' is not a number"
end

return {
  summary = "add a task; prints its id",
  makes = true, -- a task directory that is not there yet
  configure = function(parser)
    parser:argument("name", "what is to be done, in a few words")
    parser:option("--description", "all that the agent should know")
    parser:option("--priority", "1 is first; 50"):convert(number)
    parser:option("--effort", "XS, S, M, L or XL"):choices { "XS", "S", "M", "L", "XL" }
    parser:option("--depends", "ids or names of tasks that must be done before"):args "+":count "*":argname "ID"
    parser:option("--accept", "what must hold when it is done"):args "+":count "*":argname "TEXT"
    parser:option("--files", "files that matter"):args "+":count "*":argname "FILE"
    parser:option "--category"
    parser:option("--type", "prompt"):choices { "prompt" }
    parser:option("--parent", "the task that this one is a part of"):argname "ID"
    parser:flag("--json", "print the whole task")
  end,
  run = function(args, p)
    local function flat(lists)
      local all = core.json.array()
      for _, list in ipairs(lists or {}) do table.move(list, 1, #list, #all + 1, all) end
      return all
    end
    if not args.name:find "%S" then errors.usage("EINVAL", "a task needs a name") end
    local depends = flat(args.depends)
    for i, key in ipairs(depends) do
      depends[i] = errors.check_usage(p.store:get(key)).id
    end
    local task = errors.check_usage(p.store:add {
      name = args.name, description = args.description or "", category = args.category or "feature",
      priority = args.priority, effort = args.effort or "M", type = args.type or "prompt", dependencies = depends,
      acceptance_criteria = flat(args.accept), files = #flat(args.files) > 0 and flat(args.files) or nil,
      parent_task_id = args.parent and errors.check_usage(p.store:get(args.parent)).id or nil,
    })
    print(args.json and core.json.dump(task, 2) or task.id)
  end,
}
