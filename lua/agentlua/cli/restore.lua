-- agentlua restore TASK [N]

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local options = require "agentlua.options"
local place = require "agentlua.place"
local project = require "agentlua.project"

local function list(p, task, json)
  local all = core.json.array()
  for _, kind in ipairs { "saved", "checkpoint" } do
    for _, one in ipairs(p:saved_list(task, kind)) do all[#all + 1] = one end
  end
  if json then return print(core.json.dump(all)) end
  local rows = {}
  for i, one in ipairs(all) do rows[i] = { one.kind, one.n, one.time, one.commit:sub(1, 12), one.ref } end
  cli.print_table(rows)
end

local function show(made)
  local text = ("%s is in %s, %s"):format(made.ref, made.path, made.branch and "on branch " .. made.branch
    or "HEAD detached, as it was or because its branch is elsewhere now")
  print(core.text.printable(text .. (made.adopted and "; the task goes on there" or "")))
end

return {
  summary = "make a worktree again of work that was saved",
  configure = function(parser)
    parser:argument("task", "id, prefix or slug")
    parser:argument("n", "which one; the newest by default"):args("?"):convert(options.count)
    parser:option("--checkpoint", "a checkpoint instead"):convert(options.count):argname "N"
    parser:option("--to", "place that does not exist yet; the task's own by default"):argname "DIR"
    parser:flag("--list", "print what there is")
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local task = errors.check_usage(p.store:get(args.task))
    if args.list then return list(p, task, args.json) end
    if args.n and args.checkpoint then errors.usage("EUSAGE", "name a number or a checkpoint, not both") end
    local made = p:restore(task, {
      n = args.checkpoint or args.n, kind = args.checkpoint and "checkpoint" or "saved",
      path = args.to and place.absolute(args.to, core.fs.realpath "."),
    })
    if not args.json then return show(made) end
    print(core.json.dump {
      path = made.path, branch = made.branch or core.json.null, commit = made.commit, ref = made.ref,
    })
  end,
}
