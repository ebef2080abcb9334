-- agentlua version

local core = require "agentlua.core"

return {
  summary = "print the version",
  run = function() print("agentlua " .. core.version) end,
}
