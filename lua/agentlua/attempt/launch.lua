-- agentlua.attempt.launch: what is started for one attempt, from the template of a backend and a request.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local record = require "agentlua.record"

local M = {}

-- The text of a template with the values of a request, nil when one that it names is missing.
local function filled(template, values)
  local missing = false
  local text = template:gsub("{([%l_]+)}", function(name)
    local value = values[name]
    missing = missing or value == nil
    return value ~= nil and tostring(value) or ""
  end)
  return not missing and text or nil
end

local function append(list, more) return table.move(more, 1, #more, #list + 1, list) end

-- Appends what an element of a template comes to: text; a list that is left out as a whole when it
-- names a value that is not there; or the name of a list: "{args}", "{permission}".
local function expand(argv, element, values)
  if type(element) == "table" then
    local part = {}
    for i, one in ipairs(element) do
      part[i] = filled(one, values)
      if not part[i] then return end
    end
    return append(argv, part)
  end
  local list = values[element:match "^{([%l_]+)}$"]
  if type(list) == "table" then return append(argv, list) end
  argv[#argv + 1] = element
end

--- Arguments for a mode of permission, the backend's own when none is wanted. Raises EINVAL for one that it does
--- not have, or refuses here.
function M.permission(backend, wanted)
  local known = backend.permissions or {}
  wanted = wanted or backend.permission
  if not wanted then return {} end
  local reason = known[wanted] and backend.refuses and backend.refuses(backend, wanted)
  if known[wanted] and not reason then return known[wanted] end
  local all = {}
  for name in pairs(known) do all[#all + 1] = name end
  table.sort(all)
  errors.usage("EINVAL", ("agent '%s' %s"):format(backend.name, reason
    or ("has no permission mode '%s'; it has: %s"):format(wanted, #all > 0 and table.concat(all, ", ") or "none")))
end

local function argv_of(backend, values)
  local argv, has = { backend.argv[1] }, {}
  for _, element in ipairs(backend.argv) do has[element] = true end
  if not has["{pre_args}"] then append(argv, backend.pre_args) end
  for i = 2, #backend.argv do expand(argv, backend.argv[i], values) end
  if not has["{args}"] then append(argv, backend.args) end
  return argv
end

--- Variables of a backend; one that names a value that is not there is left out.
function M.env(backend, values, billing)
  local env = {}
  for _, name in ipairs(billing == "subscription" and backend.api_keys or {}) do env[name] = false end
  for name, value in pairs(backend.env) do
    if value == false then env[name] = false else env[name] = filled(value, values) end
  end
  return env
end

-- Servers whose tools are called without asking, for agents that ask by server; and their names for those that have a
-- list of tools which are allowed, "mcp__a,mcp__b".
local function trusted(servers)
  local out, names = {}, {}
  for name, server in pairs(servers) do
    out[name], names[#names + 1] = record.overlay({ trust = true }, server), "mcp__" .. name
  end
  table.sort(names)
  return out, table.concat(names, ",")
end

--- What is started for one attempt: {argv, env, stdin, model, max_turns}. A request has prompt, dir = a directory
--- of the attempt outside of its worktree, and optionally session = to resume, model, permission, max_turns,
--- tools = list, system, mcp = {name = {command=, args=, env=}}, endpoint; what it leaves out comes from the
--- backend's own field of that name. Raises EINVAL like permission(). `state`: paths that it writes.
---@return { argv: string[], env: table, stdin: string, model: string?, max_turns: number?, state: string[] }
function M.build(backend, request)
  local function wanted(name)
    if request[name] ~= nil then return request[name] end
    return backend[name]
  end
  local model, tools = wanted "model", wanted "tools"
  local servers, server_tools
  if request.mcp then servers, server_tools = trusted(request.mcp) end
  local values = {
    model = backend.models and backend.models[model] or model, session = request.session, system = wanted "system",
    max_turns = wanted "max_turns", tools = type(tools) == "table" and table.concat(tools, ",") or tools,
    mcp = servers and core.json.dump { mcpServers = servers }, servers = servers, server_tools = server_tools,
    endpoint = wanted "endpoint", mode = request.permission or backend.permission,
    permission = M.permission(backend, request.permission), pre_args = backend.pre_args, args = backend.args,
  }
  if backend.prepare then
    backend.prepare(values, function(name, text)
      local path = request.dir .. "/" .. name
      errors.check(core.fs.mkdir(path:match "^(.*)/"))
      errors.check(core.fs.write { path = path, content = text, mode = 384 }) -- 384: octal 600
      return path
    end, backend)
  end
  return {
    argv = argv_of(backend, values), env = M.env(backend, values, wanted "billing"), stdin = request.prompt,
    model = values.model, max_turns = tonumber(values.max_turns),
    state = append(append({}, backend.state or {}), values.state or {}),
  }
end

return M
