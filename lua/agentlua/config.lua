-- agentlua.config: .agentlua/config.lua. Data only: it is loaded as text, with nothing in reach.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local function one_of(...)
  local allowed = { ... }
  return function(value)
    for _, choice in ipairs(allowed) do
      if value == choice then return true end
    end
    return false, "one of " .. table.concat(allowed, ", ")
  end
end

local function list_of(kind)
  return function(value)
    if type(value) ~= "table" then return false, "a list" end
    for _, element in ipairs(value) do
      if type(element) ~= kind then return false, "a list of " .. kind .. "s" end
    end
    return true
  end
end

local function positive(value)
  return type(value) == "number" and value > 0, "a number above 0"
end

-- key = {type or check, default}. README.md of .agentlua and `agentlua init` show them to users.
M.keys = {
  tasks = { "string", ".agentlua/tasks" }, -- task directory, relative to the project
  worktrees = { "string" }, -- where worktrees go; <parent>/<repo>.worktrees
  branch = { "string", "task/{id8}-{slug}" },
  base = { "string" }, -- the branch that work starts from and lands on; the current one
  land = { one_of("squash", "merge", "branch", "none"), "squash" },
  leftovers = { one_of("commit", "refuse"), "commit" },
  message = { "string", "feat: {name} [task:{id8}]" },
  author = { "string" }, -- "Name <email>"; git's own
  protect = { list_of "string", { ".agentlua/**" } },
  copy = { list_of "string", { ".env*" } }, -- ignored files that a worktree gets a copy of
  setup = { list_of "string" }, -- command run in a new worktree
  save_limit = { positive, 100 << 20 }, -- bytes of ignored files that are saved with a worktree
  agents = { list_of "string", { "claude" } }, -- the first one is used
  backends = { "table", {} }, -- {name = {args=, env=, model=}}
  verify = { "table", {} }, -- list of {name, argv, timeout, required}
  on_empty = { one_of("fail", "done"), "fail" }, -- when the agent changed nothing
  attempts = { positive, 3 },
  max_failures = { positive, 3 }, -- failed tasks in a row that end a run
  timeouts = { "table", { idle = 1800 } }, -- {wall=, idle=} seconds of one attempt
  stop_grace = { positive, 5 }, -- seconds between TERM and KILL
  env = { "table", {} }, -- {set = {NAME = value}, drop = {NAME, ...}, only = {NAME, ...}}
  jobs = { positive, 1 },
  require_analysis = { "boolean", false },
  prompt = { "table", {} }, -- more names for templates
}

local function nearest(key)
  local best, distance
  for known in pairs(M.keys) do
    local d = core.text.edit_distance { tostring(key), known }
    if not distance or d < distance then best, distance = known, d end
  end
  return best
end

--- Checks a table of settings and fills in the defaults. Raises ECONFIG for a mistake.
function M.check(settings, where)
  local out = {}
  for key, spec in pairs(M.keys) do out[key] = spec[2] end
  for key, value in pairs(settings) do
    local spec = M.keys[key]
    if not spec then
      errors.usage("ECONFIG", ("%s: unknown key '%s'; the nearest is '%s'"):format(where, tostring(key), nearest(key)))
    end
    local ok, expected = type(value) == spec[1], spec[1]
    if type(spec[1]) == "function" then ok, expected = spec[1](value) end
    if not ok then
      errors.usage("ECONFIG", ("%s: '%s' must be %s, it is %s"):format(where, key, expected, tostring(value)))
    end
    out[key] = value
  end
  for i, check in ipairs(out.verify) do
    if type(check) ~= "table" or not list_of "string"(check.argv) or #check.argv == 0 then
      errors.usage("ECONFIG", ("%s: verify[%d] needs argv = {\"program\", ...}"):format(where, i))
    end
  end
  return out
end

--- Reads a configuration file; a missing one is all defaults.
function M.load(path)
  local text, message, code = core.fs.read(path)
  if not text then
    if code == "ENOENT" then return M.check({}, path) end
    errors.usage(code, message)
  end
  local chunk, problem = load(text, "@" .. path, "t", {})
  if not chunk then errors.usage("ECONFIG", problem) end
  local ok, settings = pcall(chunk)
  if not ok then errors.usage("ECONFIG", tostring(settings) .. " (config.lua is data: it can call nothing)") end
  if type(settings) ~= "table" then errors.usage("ECONFIG", path .. ": must return a table") end
  return M.check(settings, path)
end

return M
