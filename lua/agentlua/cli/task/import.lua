-- agentlua task import FILE

local core = require "agentlua.core"
local import = require "agentlua.import"
local place = require "agentlua.place"
local workflows = require "agentlua.task.workflows"

-- Where the files are that the tasks of a manifest name: its directory, relative to the project.
local function note_directory(items, source, root)
  local dir = (place.below(core.fs.realpath(source) or "", root) or ""):match "^(.*)/"
  for _, item in ipairs(dir and items or {}) do
    if item.task.workflow and not item.file then item.task.workflow_dir = dir end
  end
end

-- Names of the workflows that items belong to.
local function names_of(items)
  local names = {}
  for _, item in ipairs(items) do
    if type(item.task.workflow) == "string" then names[item.task.workflow] = true end
  end
  return names
end

return {
  summary = "add tasks from JSON, a task directory, a Markdown table, a workflow.json",
  makes = true, -- a task directory that is not there yet
  configure = function(parser)
    parser:argument("file", "JSON (array, object, one object per line), TASKS.md, directory with status directories, "
      .. "workflow.json, or - for standard input")
    parser:flag("--skip-existing", "pass over tasks whose id is taken")
    parser:flag("--fresh", "begin workflows anew: their open tasks of before are cancelled")
    parser:flag("--json", "print the tasks")
  end,
  run = function(args, p)
    local from_stdin = args.file == "-"
    local items = import.read(from_stdin and "standard input" or args.file, from_stdin and io.read "a" or nil)
    local added, chosen = core.json.array(), import.choose(items, p.store, args.skip_existing)
    if not from_stdin then note_directory(chosen, args.file, p.root) end
    for name in pairs(args.fresh and names_of(chosen) or {}) do workflows.cancel(p.store, p.events, name) end
    for _, item in ipairs(chosen) do
      added[#added + 1] = import.add(item, p.store)
      if not args.json then print(added[#added].id) end
    end
    if args.json then print(core.json.dump(added, 2)) end
  end,
}
