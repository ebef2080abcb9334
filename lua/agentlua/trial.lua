-- agentlua.trial: tries a loop before the night: in a repository that is thrown away, with a home and a state directory
-- of its own, on a few tasks, with an agent that needs no account. What is the user's is only read.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local files = require "agentlua.trial_files"
local process = require "agentlua.process"
local resource = require "agentlua.resource"
local store = require "agentlua.store"

local M = {}

-- Seconds that the loop may take.
local patience <const> = 600

--- The tasks, in the order in which they would run.
M.tasks = {
  { name = "Plain", description = "Nothing special." },
  { name = "Fails verification once", description = "The first try is not believed.", twice = true },
  { name = "After the plain one", description = "Depends on another task.", dependencies = { "Plain" } },
  -- The last one: nothing lands, which its changes would meet, between its question and the answer.
  { name = "Asks", description = "The agent asks first, and is answered.", asks = true },
}

local trial = {}
trial.__index = trial

local function write(path, text) errors.check(core.fs.write { path = path, content = text }) end

-- Copies the regular files of a directory, and those of the directories in it.
local function copy_tree(from, to)
  for _, name in ipairs(core.fs.list(from) or {}) do
    local info = core.fs.stat(from .. "/" .. name)
    if info and info.type == "directory" then
      copy_tree(from .. "/" .. name, to .. "/" .. name)
    elseif info and info.type == "file" then
      errors.check(core.fs.copy { from = from .. "/" .. name, to = to .. "/" .. name })
    end
  end
end

-- ---- the surroundings -----------------------------------------------------------------------------------------

local function surroundings(top)
  local env = {
    HOME = top .. "/home", XDG_STATE_HOME = top .. "/state", XDG_CONFIG_HOME = top .. "/config",
    XDG_CACHE_HOME = top .. "/cache", XDG_DATA_HOME = top .. "/data", GIT_CONFIG_NOSYSTEM = "1",
    AGENTLUA_TRIAL_AGENT = assert(resource.find("agents", "demo.sh")).text,
  }
  for _, entry in ipairs(core.fs.environment {}) do
    local name = entry:match "^[^=]*"
    if env[name] == nil and (name:find "^AGENTLUA_" and name ~= "AGENTLUA_REAPER" or name:find "^GIT_") then
      env[name] = false
    end
  end
  return env
end

-- Runs a program in the trial's repository; raises when it fails.
function trial:must(argv)
  argv.cwd, argv.env, argv.timeout = argv.cwd or self.root, self.env, 120
  local result = errors.check(process.run(argv))
  if result.code ~= 0 then
    errors.usage("ETRIAL", ("cannot make a repository to try it in: '%s' says: %s"):format(
      table.concat(argv, " "), result.stderr ~= "" and result.stderr or result.stdout))
  end
  return result.stdout
end

-- The repository: an empty one; or what is committed in the user's, when its own commands are to verify.
function trial:make_repository(at, verify)
  if at and verify then
    self:must { "git", "clone", "-q", "--depth", "1", "file://" .. at.root, self.root, cwd = self.top }
    self:must { "git", "checkout", "-q", "-B", "main" }
    self:must { "git", "remote", "remove", "origin" }
    self:must { "git", "rm", "-rqf", "--ignore-unmatch", "--", ".agentlua" }
  else
    self:must { "git", "init", "-q", "-b", "main", self.root, cwd = self.top }
    write(self.root .. "/README.md", "# A repository to try a loop in\n")
  end
  self:must { "git", "config", "user.name", "agentlua test" }
  self:must { "git", "config", "user.email", "test@agentlua.invalid" }
end

function trial:add_tasks(require_analysis, transcript)
  local opened <close> = errors.check(store.open(self.dir .. "/tasks", { create = true }))
  for i, wanted in ipairs(M.tasks) do
    if not (transcript and (wanted.asks or wanted.twice)) then
      local task = errors.check(opened:add {
        name = wanted.name, priority = i, description = wanted.description, dependencies = wanted.dependencies,
        acceptance_criteria = core.json.array { "There is a page for it in notes/." },
        status = require_analysis and "analysed" or "todo",
        analysis = require_analysis and { text = "Add a page for it." } or nil,
      })
      self.ids[#self.ids + 1] = task.id
      if wanted.twice then self.twice = task.id end
    end
  end
end

function trial:copy_project(at, options)
  for _, sub in ipairs(at and { "scripts", "prompts", "agents", "lua" } or {}) do
    copy_tree(at.dir .. "/" .. sub, self.dir .. "/" .. sub)
  end
  copy_tree(resource.config_dir(), self.top .. "/config/agentlua")
  if at and core.fs.stat(at.dir .. "/hooks.lua") then
    errors.check(core.fs.copy { from = at.dir .. "/hooks.lua", to = self.dir .. "/hooks.lua" })
  end
  local own = at and core.fs.read(at.dir .. "/config.lua") or "return {}"
  local agent, check = self.top .. "/agent.sh", self.top .. "/check.sh"
  write(agent, files.agent(self.top))
  write(check, files.check(self.top, self.twice))
  write(self.dir .. "/config.lua", files.config(own, {
    verify = options.verify, check = check, agent = options.agent,
    transcript = options.transcript and core.fs.realpath(options.transcript),
    script = not options.transcript and options.agent == "demo" and agent or nil,
  }))
end

--- Makes the surroundings of a trial. `at`: the user's project, {root, dir}, or nil. Options: agent, transcript = path
--- of a recording that the agent's decoder reads instead of its program's output, verify = true to run the
--- project's own commands, on what is committed of it; require_analysis. To be closed.
---@return table trial
function M.make(at, options)
  local host = resource.host() or errors.usage("ENOHOST", "agentlua test needs the agentlua program, not a plain Lua")
  local top = core.fs.realpath(os.getenv "TMPDIR" or "/tmp") .. "/agentlua-test-" .. core.text.uuid():sub(1, 8)
  local self = setmetatable({
    top = top, root = top .. "/repo", dir = top .. "/repo/.agentlua", host = host, ids = {}, keep = options.keep,
  }, trial)
  local ok, problem = errors.try(function()
    for _, name in ipairs { "home", "state", "config", "cache", "data" } do
      errors.check(core.fs.mkdir(top .. "/" .. name))
    end
    self.env = surroundings(top)
    self:make_repository(at, options.verify)
    self:must { host, "init" }
    self:add_tasks(options.require_analysis, options.transcript)
    self:copy_project(at, options)
    self:must { "git", "add", "-A" }
    self:must { "git", "commit", "-q", "-m", "agentlua test" }
  end)
  if ok then return self end
  self:__close()
  error(problem, 0)
end

function trial:__close()
  if not self.keep then errors.try(process.run, { "rm", "-rf", "--", self.top, contain = false }) end
end

-- ---- running --------------------------------------------------------------------------------------------------

-- Runs the loop once.
function trial:pass(script, options)
  local argv = {
    self.host, "run", script, "--agent", options.agent, cwd = self.root, env = self.env, timeout = patience,
    stdout = options.verbose and "inherit" or "discard", stderr = "inherit",
  }
  local child <close> = errors.check(process.spawn(argv))
  self.child = child
  local result = child:wait()
  self.child = nil
  return result
end

-- The tasks as they are now, in their order.
function trial:look()
  local opened <close> = errors.check(store.open(self.dir .. "/tasks"))
  local list = {}
  for i, id in ipairs(self.ids) do list[i] = errors.check(opened:get(id)) end
  return list
end

-- Answers what is asked; true when something was.
function trial:answer()
  local answered = false
  for _, task in ipairs(self:look()) do
    if task.status == "needs-input" and (task.pending_question or task.pending_questions) then
      self:must { self.host, "task", "answer", task.id, "A" }
      answered = true
    end
  end
  return answered
end

--- Runs the loop, answers the question, and runs it again.
---@return { code: integer, bound: string?, tasks: table[], hooks: table[] } result  hooks: the failures of hooks
function trial:run(script, options)
  local result = self:pass(script, options)
  if result.code == 0 and not result.bound and self:answer() then result = self:pass(script, options) end
  local hooks = {}
  for event in events.read(self.dir .. "/events.jsonl") do
    if event.type == "hook_failed" then hooks[#hooks + 1] = { hook = event.hook, error = event.error } end
  end
  return { code = result.code, bound = result.bound, tasks = self:look(), hooks = hooks }
end

--- Stops what runs.
function trial:stop()
  if self.child then self.child:stop() end
end

return M
