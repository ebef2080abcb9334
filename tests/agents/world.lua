-- A world of runs/support.lua with a real agent CLI in it, and a model that says what a script says.

local al = require "agentlua"
local runs = dofile "tests/runs/support.lua"

local M = { eventually = runs.eventually }

--- The directory with the program of an agent; nil and the reason when it cannot be had here.
function M.install(name)
  local result = assert(al.process.run { "sh", "tests/agents/install.sh", name, timeout = 400 })
  if result.code == 0 then return (result.stdout:gsub("\n$", "")) end
  return nil, result.stderr:match "[^\n]*"
end

-- What the agent may have of the caller's: no account, key or setting of the person who runs the tests.
local handed_on = { PATH = true, LANG = true, LC_ALL = true, USER = true, LOGNAME = true, TMPDIR = true }

local function surroundings(bin, address, more)
  local env = {}
  for _, entry in ipairs(al.fs.environment()) do
    local name = entry:match "^[^=]*"
    if not handed_on[name] then env[name] = false end
  end
  env.PATH = bin .. ":" .. os.getenv "PATH"
  env.HTTPS_PROXY, env.NO_PROXY = address, "127.0.0.1" -- the model refuses, and notes, calls to other hosts
  for name, value in pairs(more) do env[name] = value:gsub("{model}", address) end
  return env
end

local function start_model(w, steps)
  local script = w.top .. "/script.json"
  assert(al.fs.write { path = script, content = al.json.dump(steps) })
  w.log = w.top .. "/model.jsonl"
  local node = assert(al.process.spawn { "node", "tests/agents/model.mjs", script, w.log, stderr = "merge" })
  return node, assert(node:lines()(), "the model does not start")
end

--- Makes a world. Of `cli`: name, bin = its directory, env = its variables, in which {model} is the model's address,
--- path = what is put behind that for `endpoint`, backend = more text for its table in config.lua, files = {[path in
--- the home] = text}; `steps`: the model's script; `settings`: more text for config.lua.
function M.new(cli, steps, max_turns, settings)
  local w = runs.new()
  local model, address = start_model(w, steps)
  for name, text in pairs(cli.files or {}) do w:write("../home/" .. name, text) end
  for name, value in pairs(surroundings(cli.bin, address, cli.env)) do
    if w.env[name] == nil then w.env[name] = value end
  end
  w:config(("agents = { %q }, backends = { [%q] = { endpoint = %q, max_turns = %s, %s } }, %s"):format(cli.name,
    cli.name, address .. (cli.path or ""), max_turns, cli.backend or "", settings))

  --- Requests until now: {path, answer, remembers}; those for the work, and those to other hosts.
  function w:requests()
    local work, outside = {}, {}
    for line in (al.fs.read(self.log) or ""):gmatch "[^\n]+" do
      local request = al.json.parse(line)
      local list = request.answer == "outside" and outside or work
      if request.answer ~= "side" and request.answer ~= "unknown" then list[#list + 1] = request end
    end
    return work, outside
  end
  function w:leave()
    model:kill()
    model:wait()
    self:close()
  end
  return w
end

return M
