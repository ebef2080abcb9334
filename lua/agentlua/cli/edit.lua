-- agentlua edit NAME

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local project = require "agentlua.project"
local resource = require "agentlua.resource"

return {
  summary = "copy a script or prompt into .agentlua, where it wins, and open it in $EDITOR",
  configure = function(parser) parser:argument("name", "e.g. execute.lua or execute.md") end,
  run = function(args)
    local p = project.open { options = {} }
    local kind = args.name:match "%.md$" and "prompts" or "scripts"
    if args.name:find "[/%c]" then
      errors.usage("ENOSCRIPT", "'" .. core.text.printable(args.name) .. "' is not a name")
    end
    local target = p.dir .. "/" .. kind .. "/" .. args.name
    if not core.fs.stat(target) then
      local found = resource.find(kind, args.name, p.dir)
      if not found then
        errors.usage("ENOSCRIPT", "no script or prompt '" .. args.name .. "'; agentlua paths shows where they are")
      end
      errors.check(core.fs.mkdir(p.dir .. "/" .. kind))
      errors.check(core.fs.write { path = target, content = found.text, create_only = true })
    end
    print(core.text.printable(target))
    local editor = os.getenv "VISUAL" or os.getenv "EDITOR"
    if not editor or not core.fs.host({}).terminal then return 0 end
    local argv = { contain = false, stdout = "inherit", stderr = "inherit" }
    for word in editor:gmatch "%S+" do argv[#argv + 1] = word end
    argv[#argv + 1] = target
    return errors.check(require("agentlua.process").run(argv)).code
  end,
}
