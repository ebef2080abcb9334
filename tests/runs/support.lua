-- A world for whole-run tests: a home of its own, a real repository with a user's unfinished work in
-- it, and the built host. close() fails when a process of the world is still alive.

local al = require "agentlua"

local M = {}

local source = al.fs.realpath "."
local build = os.getenv "AGENTLUA_BUILD" or "build/release"
M.build = al.fs.realpath(build)
M.host = M.build .. "/bin/agentlua"
M.source = source

local world = {}
world.__index = world

local function write(path, text, mode)
  al.fs.mkdir(path:match "^(.*)/")
  assert(al.fs.write { path = path, content = text, mode = mode })
end

--- Makes a world; options: dir (name of the repository), branch, init = false for no agentlua init.
function M.new(options)
  options = options or {}
  local top = "/tmp/agentlua-runs-" .. al.text.uuid():sub(1, 12)
  local self = setmetatable({
    top = top, root = top .. "/" .. (options.dir or "repo"), branch = options.branch or "main",
    env = {
      HOME = top .. "/home", XDG_STATE_HOME = top .. "/state", XDG_CONFIG_HOME = top .. "/config",
      GIT_CONFIG_NOSYSTEM = "1", MARK = top .. "/mark", LUA_PATH = false, LUA_CPATH = false,
      LUA_PATH_5_4 = false, LUA_CPATH_5_4 = false, AGENTLUA_ROOT = false, EDITOR = false, VISUAL = false,
    },
  }, world)
  al.fs.mkdir(top .. "/home")
  al.fs.mkdir(self.root)
  self:git("init", "-q", "-b", self.branch)
  self:git("config", "user.name", "User")
  self:git("config", "user.email", "user@example.invalid")
  for i = 1, 5 do write(self.root .. "/src/f" .. i .. ".txt", ("line\n"):rep(20)) end
  write(self.root .. "/.gitignore", "*.env\n")
  self:git("add", "-A")
  self:git("commit", "-q", "-m", "first")
  if options.init ~= false then
    assert(self:al("init").code == 0)
    self:git("add", "-A")
    self:git("commit", "-q", "-m", "agentlua")
  end
  return self
end

function world:write(path, text, mode) write(self.root .. "/" .. path, text, mode) end
function world:read(path) return al.fs.read(self.root .. "/" .. path) end
function world:exists(path) return al.fs.stat(path:sub(1, 1) == "/" and path or self.root .. "/" .. path) ~= nil end

local function options_of(self, argv)
  argv.cwd, argv.env = argv.cwd or self.root, setmetatable(argv.env or {}, nil)
  for name, value in pairs(self.env) do
    if argv.env[name] == nil then argv.env[name] = value end
  end
  argv.timeout = argv.timeout or 600
  return argv
end

--- Runs any program in the repository.
function world:command(argv) return assert(al.process.run(options_of(self, argv))) end
-- What no command of ours may change: settings, stash, logs, the user's branches, and all that differs
-- from HEAD in the user's checkout. Landing moves the base and what is equal to it, and no more.
local untouchable = [[
  cd "$0" || exit
  cat .git/HEAD .git/config .git/info/exclude .git/logs/refs/stash 2>/dev/null
  git for-each-ref --format='%(refname) %(objectname)' | grep -v "^refs/heads/$1 \|^refs/heads/task/\|^refs/agentlua/"
  git diff --binary; git diff --cached --binary
  git ls-files -z --others --exclude=.agentlua | sort -z | xargs -0 sha256sum 2>/dev/null
]]
function world:untouchable()
  return self:command({ "sh", "-c", untouchable, self.root, self.branch }).stdout
end

--- Runs agentlua; arguments as list, options of al.process.run as fields of the last one if a table. Fails
--- when it touches what is the user's, unless `users_act`: the case has the user do things meanwhile.
function world:al(...)
  local words = table.pack(...)
  local argv = type(words[words.n]) == "table" and table.remove(words) or {}
  table.insert(words, 1, M.host)
  words.n = nil
  for i, word in ipairs(words) do argv[i] = word end
  local watched = not self.users_act and self:exists ".git/HEAD"
  local before = watched and self:untouchable()
  local result = self:command(argv)
  if watched then assert(before == self:untouchable(), "the user's checkout is not as before") end
  return result
end
--- Starts agentlua and returns the child.
function world:start(...)
  return assert(al.process.spawn(options_of(self, { M.host, contain = false, stderr = "merge", ... })))
end
--- Starts agentlua at a terminal of its own; `argv` is a list, with options of al.process.spawn().
function world:at_terminal(argv)
  table.insert(argv, 1, M.host)
  argv.pty = argv.pty or true
  return assert(al.process.spawn(options_of(self, argv)))
end
function world:git(...)
  local result = self:command { "git", ... }
  assert(result.code == 0, result.stderr)
  return (result.stdout:gsub("\n$", ""))
end

function world:agent(name) return source .. "/tests/fixtures/agents/" .. name .. ".sh" end
--- Makes an agent of shell lines, which have what it is told in $prompt; returns its path.
function world:shell_agent(lines)
  self:write("../agent.sh", "#!/bin/sh\nprompt=$(cat)\n" .. lines .. "\n", 493)
  return self.top .. "/agent.sh"
end
--- Adds a task; returns its id.
function world:add(...)
  local result = self:al("task", "add", ...)
  assert(result.code == 0, result.stderr)
  return (result.stdout:gsub("\n$", ""))
end
function world:config(text) self:write(".agentlua/config.lua", "return {" .. text .. "}\n") end
function world:run(agent, ...) return self:al("run", "execute.lua", "--agent", self:agent(agent), ...) end
function world:run_lines(lines, ...) return self:al("run", "execute.lua", "--agent", self:shell_agent(lines), ...) end
function world:task(id) return al.json.parse(self:al("task", "show", id, "--json").stdout) end
--- Number of task files with a status.
function world:count(status)
  local n = 0
  for _, name in ipairs(al.fs.list(self.root .. "/.agentlua/tasks/" .. status)) do
    if name:match "%.json$" then n = n + 1 end
  end
  return n
end
function world:commits() return tonumber(self:git("rev-list", "--count", self.branch)) end
function world:worktrees()
  local n = 0
  for _ in self:git("worktree", "list"):gmatch "[^\n]+" do n = n + 1 end
  return n
end
function world:events(kind)
  local found = {}
  for event in al.events.read(self.root .. "/.agentlua/events.jsonl") do
    if event.type == kind then found[#found + 1] = event end
  end
  return found
end

--- Unfinished work of a user, and everything about it that must not change.
function world:make_user_work()
  self:write("src/f1.txt", "dirty\n")
  self:write("src/f2.txt", "staged\n")
  self:git("add", "src/f2.txt")
  self:write("untracked.txt", "untracked\n")
  self:write("secret.env", "secret\n")
end
function world:user_work()
  local parts = {}
  for _, path in ipairs { "src/f1.txt", "src/f2.txt", "untracked.txt", "secret.env" } do
    parts[#parts + 1] = self:read(path)
  end
  parts[#parts + 1] = self:git("diff")
  parts[#parts + 1] = self:git("diff", "--cached")
  parts[#parts + 1] = self:git("stash", "list")
  return table.concat(parts, "\0")
end

--- What is at once has happened in so many seconds, also on a machine that is busy with other things. What it is to be
--- told from takes a minute or more.
M.soon = 10

--- Why agents cannot be put into a sandbox here, or nil.
function M.no_sandbox()
  local box = al.process.run { "bwrap", "--ro-bind", "/", "/", "--unshare-pid", "true" }
  if not box or box.code ~= 0 then return "bubblewrap is not there or may not make namespaces" end
end

--- Waits until `condition()` is true; fails after `seconds` (30).
function M.eventually(condition, what, seconds)
  local deadline = al.clock() + (seconds or 30)
  while not condition() do
    assert(al.clock() < deadline, "never happened: " .. (what or "condition"))
    al.sleep(0.01)
  end
end

--- Pids of living processes whose surroundings name this world.
function world:processes()
  local pids = {}
  for _, pid in ipairs(al.fs.list "/proc") do
    local file = pid:match "^%d+$" and io.open("/proc/" .. pid .. "/environ", "rb")
    if file then
      local text = file:read "a" or ""
      file:close()
      if text:find(self.top, 1, true) then pids[#pids + 1] = pid end
    end
  end
  return pids
end

--- Reads until a child has said what a pattern, or a plain text, finds; returns all that it said.
function M.hear(child, pattern, plain)
  local said = ""
  while not said:find(pattern, 1, plain) do
    said = said .. assert(child:read(), "never said: " .. pattern .. "\n" .. said)
  end
  return said
end

--- Waits until a process uses no processor for two seconds, one tick (1/100 s) at most.
function M.until_idle(child)
  local function ticks()
    local stat = al.fs.read("/proc/" .. child:pid() .. "/stat")
    local user, system = stat:match("%) " .. ("%S+ "):rep(11) .. "(%d+) (%d+)")
    return user + system
  end
  M.eventually(function()
    local before = ticks()
    al.sleep(2)
    return ticks() - before <= 1
  end, "it uses no processor")
end

--- Kills the only runner, as a crash does, and waits until what it had started is gone, too.
function world:kill(child)
  child:kill()
  child:wait()
  M.eventually(function() return #self:processes() == 0 end, "all processes are gone")
end

function world:close()
  local alive, deadline = self:processes(), al.clock() + M.soon
  while #alive > 0 and al.clock() < deadline do -- what was just killed may not be reaped yet
    al.sleep(0.01)
    alive = self:processes()
  end
  assert(al.process.run { "rm", "-rf", "--", self.top })
  assert(#alive == 0, "processes left: " .. table.concat(alive, " "))
end

return M
