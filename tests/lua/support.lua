-- What every spec needs: a fresh directory for each case, and a look afterwards at what it left.
--
--   before_each(support.setup)
--   after_each(support.teardown)

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local git = require "agentlua.git"
local process = require "agentlua.process"

local M = {}

M.source = core.fs.realpath "."
M.build = core.fs.realpath(os.getenv "AGENTLUA_BUILD" or "build/release")
M.host = M.build .. "/bin/agentlua"
--- Process id of this Lua.
M.pid = core.fs.host({}).pid

-- ---- what a case leaves -------------------------------------------------------------------------

-- Descriptors that the event loop opens once and keeps, so that no case is blamed for them.
local function open_lasting_descriptors()
  local changes <close> = assert(core.loop.watch_path "/tmp")
  local signals <close> = assert(core.loop.on_signal(28))
  assert(process.run { "true" })
  git.open "/"
  return changes, signals
end

local function descriptors()
  local open = {}
  for _, fd in ipairs(core.fs.list "/proc/self/fd") do
    local path = "/proc/self/fd/" .. fd
    if core.fs.stat(path) then open[fd] = core.fs.realpath(path) end -- not the one that listed them
  end
  return open
end

--- The children of this Lua, ended ones included: pid -> command line.
function M.children()
  local found = {}
  for _, thread in ipairs(core.fs.list "/proc/self/task") do
    local text = core.fs.read("/proc/self/task/" .. thread .. "/children") or ""
    for pid in text:gmatch "%d+" do
      found[pid] = (core.fs.read("/proc/" .. pid .. "/cmdline") or ""):gsub("\0", " ")
    end
  end
  return found
end

local function cwd() return core.fs.host({}).cwd end

local function problems()
  local found = {}
  for pid, command in pairs(M.children()) do
    if not M.before.children[pid] then found[#found + 1] = "child " .. pid .. ": " .. command end
  end
  for fd, name in pairs(descriptors()) do
    if M.before.fds[fd] == nil then found[#found + 1] = "descriptor " .. fd .. ": " .. name end
  end
  if cwd() ~= M.before.cwd then found[#found + 1] = "current directory: " .. cwd() end
  return found
end

-- Removes a directory tree; links are removed, never followed.
local function remove(path)
  if core.fs.remove(path) ~= nil then return end
  for _, name in ipairs(core.fs.list(path)) do remove(path .. "/" .. name) end
  assert(core.fs.remove(path))
end

--- Makes `M.dir`, the case's own directory.
function M.setup()
  M.dir = (os.getenv "TMPDIR" or "/tmp") .. "/agentlua-lua-" .. core.text.uuid()
  assert(core.fs.mkdir(M.dir))
  M.before = { children = M.children(), fds = descriptors(), cwd = cwd() }
end

--- Removes the directory. Fails when the case left a child, a descriptor or another directory.
function M.teardown()
  collectgarbage()
  collectgarbage()
  local left = problems()
  core.fs.chdir(M.before.cwd)
  remove(M.dir)
  assert(#left == 0, "the case left behind: " .. table.concat(left, "; "))
end

-- ---- running and waiting ------------------------------------------------------------------------

--- Ways to call a function that waits: the same function works in both.
M.modes = {
  ["outside of a fiber"] = function(fn) return fn() end,
  ["in a fiber"] = fiber.run,
}

--- What is at once has happened in so many seconds, also on a machine that is busy with other things. What it is to be
--- told from takes a minute or more.
M.soon = 10

--- fiber.run() that fails when `fn` takes longer than 50 seconds; what cases must not wait for takes 60.
function M.run(fn)
  return fiber.run(function()
    local results
    fiber.timeout(50, function() results = table.pack(fn()) end)
    assert(results, "the case takes longer than 50 seconds")
    return table.unpack(results, 1, results.n)
  end)
end

--- Waits until `condition()` is true; fails after thirty seconds.
function M.eventually(condition, what)
  local deadline = core.time.clock() + 30
  while not condition() do
    assert(core.time.clock() < deadline, "never happened: " .. what)
    fiber.sleep(0.005)
  end
end

--- Returns what `try(seconds)` returns. What a bound shall strike must have begun by then: while it returns nothing, it
--- is tried again, with a bound twice as long.
function M.in_time(try)
  local seconds = 0.1
  repeat
    local value = try(seconds)
    if value then return value end
    seconds = 2 * seconds
  until seconds > 20
  error "it has never begun in time"
end

--- True while a process is there, also as a zombie.
function M.alive(pid) return core.fs.stat("/proc/" .. pid) ~= nil end

--- Appends to `list` when it is closed; for `local x <close> = support.mark(list, "x")`.
function M.mark(list, name)
  return setmetatable({}, { __close = function() list[#list + 1] = name end })
end

-- ---- files, repositories, the host --------------------------------------------------------------

--- Writes a file below the case's directory; returns its path.
function M.write(name, text, mode)
  local path = M.dir .. "/" .. name
  assert(core.fs.mkdir(path:match "^(.*)/"))
  assert(core.fs.write { path = path, content = text, mode = mode })
  return path
end

-- Nothing of the user who runs the tests, and nothing of a run that the tests may be part of.
local function surroundings(more)
  local env = {
    HOME = M.dir .. "/home", XDG_STATE_HOME = M.dir .. "/state",
    XDG_CONFIG_HOME = M.dir .. "/config", GIT_CONFIG_NOSYSTEM = "1", TZ = "UTC",
    EDITOR = false, VISUAL = false,
  }
  for _, entry in ipairs(core.fs.environment()) do
    local name = entry:match "^[^=]*"
    if name:find "^LUA_" or name:find "^AGENTLUA_" then env[name] = false end
  end
  for name, value in pairs(more or {}) do env[name] = value end
  return env
end

--- Runs git in a directory; returns what it prints.
function M.git(dir, ...)
  local result = assert(process.run { "git", "-C", dir, env = surroundings(), ... })
  assert(result.code == 0, result.stderr)
  return (result.stdout:gsub("\n$", ""))
end

--- Makes a repository with one commit on `main`; returns its path.
function M.repository(name)
  local path = M.dir .. "/" .. (name or "repo")
  M.git("/", "init", "-q", "-b", "main", path)
  M.git(path, "config", "user.name", "User")
  M.git(path, "config", "user.email", "user@example.invalid")
  M.write((name or "repo") .. "/file.txt", "one\n")
  M.git(path, "add", "-A")
  M.git(path, "commit", "-q", "-m", "first")
  return path
end

--- Runs a program in surroundings of its own. Options as for process.run().
function M.command(options)
  options.env = surroundings(options.env)
  options.cwd, options.timeout = options.cwd or M.dir, options.timeout or 120
  return assert(process.run(options))
end

--- Runs the built host: support.agentlua { "task", "list", cwd = path }.
function M.agentlua(options)
  table.insert(options, 1, M.host)
  return M.command(options)
end

--- Makes a repository with a project in it; returns its path.
function M.project()
  local path = M.repository()
  assert(M.agentlua({ "init", cwd = path }).code == 0)
  return path
end

--- Runs a Lua text under the host and returns the value that it prints as JSON.
function M.script(text, options)
  options = options or {}
  table.move({ "run", M.write("script.lua", text) }, 1, 2, 1, options)
  local result = M.agentlua(options)
  assert(result.code == 0, result.stderr)
  local value, message = core.json.parse(result.stdout, "output of the script")
  assert(value ~= nil, message)
  return value
end

open_lasting_descriptors()

return M
