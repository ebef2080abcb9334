-- agentlua paths

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local place = require "agentlua.place"
local resource = require "agentlua.resource"
local state = require "agentlua.state"

return {
  summary = "show where everything is looked for, in order",
  configure = function(parser) parser:flag("--json", "for machines") end,
  run = function(args)
    local at, trusted = place.find ".", cli.trusted_dir()
    local found = {
      project = at and at.root, agentlua = at and at.dir, trusted = trusted ~= nil, state = state.dir(),
      host = resource.host(), scripts = core.json.array(), lua = package.path, modules = package.cpath,
    }
    for i, dir in ipairs(resource.dirs(trusted)) do found.scripts[i] = dir end
    if args.json then
      print(core.json.dump(found, 2))
      return
    end
    local function say(text) print(core.text.printable(text)) end
    say("project   " .. (found.project or "none: not in a git repository"))
    if at then
      local remark = trusted and "" or core.fs.stat(at.dir) and " (not trusted)" or " (missing)"
      say("settings  " .. at.dir .. remark)
    end
    say("state     " .. found.state)
    say("host      " .. (found.host or "none: a plain Lua"))
    print "scripts, prompts, agents, the first wins:"
    for _, dir in ipairs(found.scripts) do say("  " .. dir) end
    print "  (carried by the host)"
    print "require:"
    for entry in package.path:gmatch "[^;]+" do say("  " .. entry) end
  end,
}
