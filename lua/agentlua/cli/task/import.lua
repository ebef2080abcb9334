-- agentlua task import FILE

local core = require "agentlua.core"
local import = require "agentlua.import"

return {
  summary = "add tasks from JSON, a task directory, a Markdown table, a workflow.json",
  makes = true, -- a task directory that is not there yet
  configure = function(parser)
    parser:argument("file", "JSON (array, object, one object per line), TASKS.md, directory with status directories, "
      .. "workflow.json, or - for standard input")
    parser:flag("--skip-existing", "pass over tasks whose id is taken")
    parser:flag("--json", "print the tasks")
  end,
  run = function(args, p)
    local from_stdin = args.file == "-"
    local items = import.read(from_stdin and "standard input" or args.file, from_stdin and io.read "a" or nil)
    local added = core.json.array()
    for _, item in ipairs(import.choose(items, p.store, args.skip_existing)) do
      added[#added + 1] = import.add(item, p.store)
      if not args.json then print(added[#added].id) end
    end
    if args.json then print(core.json.dump(added, 2)) end
  end,
}
