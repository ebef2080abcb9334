-- agentlua trust [DIR]

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local place = require "agentlua.place"
local tripwire = require "agentlua.attempt.tripwire"
local trust = require "agentlua.trust"

return {
  summary = "let the scripts, prompts and configuration of a project run",
  configure = function(parser) parser:argument("dir", "a directory of the project; the current one"):args "?" end,
  run = function(args)
    local at = place.find(args.dir or ".")
    if not at then errors.usage("ENOREPO", "'" .. (args.dir or ".") .. "' is not in a git repository") end
    if not core.fs.stat(at.dir) then
      errors.usage("ENOPROJECT", "there is no .agentlua in '" .. at.root .. "'; agentlua init makes one")
    end
    trust.add(at.dir)
    tripwire.forget(at) -- git settings as they are now are trusted too
    print("trusted: " .. core.text.printable(at.dir))
  end,
}
