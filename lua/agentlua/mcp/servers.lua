-- agentlua.mcp.servers: the MCP servers that the agents of a run get: ours, for the task and the phase, and those of
-- the configuration. A backend that takes none leaves them out.

local core = require "agentlua.core"
local phases = require "agentlua.mcp.phases"
local resource = require "agentlua.resource"

local M = {}

-- Variables that some agents do not hand on to their servers.
local handed_on = { "HOME", "PATH", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "AGENTLUA_REAPER", "LANG" }

local function surroundings(project, env)
  local out = {}
  for _, name in ipairs(handed_on) do
    local value = env[name]
    if value == nil then value = os.getenv(name) end
    if value and value ~= "" then out[name] = tostring(value) end
  end
  for name, value in pairs(env) do
    if value and name:find "^AGENTLUA_" then out[name] = tostring(value) end
  end
  out.AGENTLUA_ROOT = project.root
  return out
end

--- The servers of an attempt: {name = {command=, args=, env=}}; nil for none.
---@param env table variables of processes that work on the task, as environment.of() gives them
---@param n integer number of the attempt
---@param phase string? analyse or execute; other names get all tools
function M.of(project, env, n, phase)
  local settings, host = project.config.mcp, resource.host()
  if settings == false or not host then return nil end
  local servers = {}
  for name, server in pairs(settings.servers) do servers[name] = server end
  local args = core.json.array { "mcp", "--phase", phases.both[phase] and phase or "all" }
  env.AGENTLUA_ATTEMPT = tostring(n)
  servers.agentlua = servers.agentlua or { command = host, args = args, env = surroundings(project, env) }
  return servers
end

return M
