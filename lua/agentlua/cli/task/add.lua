-- agentlua task add NAME

local core = require "agentlua.core"
local fields = require "agentlua.fields"
local operations = require "agentlua.task.operations"
local options = require "agentlua.options"

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
    parser:option("--effort", "XS, S, M, L or XL"):choices(fields.efforts)
    parser:option("--depends", "ids or names of tasks that must be done before"):args "+":count "*":argname "ID"
    parser:option("--accept", "what must hold when it is done"):args "+":count "*":argname "TEXT"
    parser:option("--files", "files that matter"):args "+":count "*":argname "FILE"
    parser:option "--category"
    parser:option("--type", "what does it: an agent (prompt), a program (script), ..."):choices(fields.types)
    parser:option("--script", "its program, below the project; type script or task_gen"):argname "FILE"
    parser:option("--prompt", "its template, below the project; type prompt_template"):argname "FILE"
    parser:option("--mcp-tool", "the tool that it calls; type mcp"):argname "NAME"
    parser:option("--post-script", "program that is run in the project when it is done"):argname "FILE"
    parser:option("--timeout", "seconds that its program may take"):convert(options.count):argname "N"
    parser:option("--working-dir", "directory of the checkout that it is worked on in"):argname "DIR"
    parser:option("--workflow", "the workflow that it belongs to"):argname "NAME"
    parser:flag("--skip-analysis", "it needs none")
    parser:flag("--skip-worktree", "its program runs in the main checkout; nothing is landed")
    parser:flag("--optional", "its failure does not end its workflow")
    parser:option("--parent", "the task that this one is a part of"):argname "ID"
    parser:flag("--json", "print the whole task")
  end,
  run = function(args, p)
    local function flat(lists)
      local all = core.json.array()
      for _, list in ipairs(lists or {}) do table.move(list, 1, #list, #all + 1, all) end
      return all
    end
    local task = operations.add(p, {
      name = args.name, description = args.description, category = args.category, priority = args.priority,
      effort = args.effort, dependencies = flat(args.depends), parent_task_id = args.parent,
      type = args.type or args.script and "script" or args.prompt and "prompt_template" or "prompt",
      acceptance_criteria = flat(args.accept), files = #flat(args.files) > 0 and flat(args.files) or nil,
      script_path = args.script, prompt = args.prompt, mcp_tool = args.mcp_tool, post_script = args.post_script,
      timeout = args.timeout, working_dir = args.working_dir, workflow = args.workflow, optional = args.optional,
      skip_analysis = args.skip_analysis, skip_worktree = args.skip_worktree,
    })
    print(args.json and core.json.dump(task, 2) or task.id)
  end,
}
