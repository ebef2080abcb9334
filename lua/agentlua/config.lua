-- agentlua.config: .agentlua/config.lua. Data only: it is loaded as text, with nothing in reach.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local nearest = require "agentlua.nearest"

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

local function list_of(kind, least)
  return function(value)
    local expected = ("a list of %s%ss"):format(least and "at least " .. least .. " " or "", kind)
    if type(value) ~= "table" or #value < (least or 0) then return false, expected end
    for i, element in pairs(value) do
      if math.type(i) ~= "integer" or type(element) ~= kind then return false, expected end
    end
    return true
  end
end

local strings = list_of "string"
local function names(value) return type(value) == "string" or strings(value), "a name or a list of names" end

local function positive(value)
  return type(value) == "number" and value > 0, "a number above 0"
end

local function count(value)
  return math.type(value) == "integer" and value > 0, "a whole number above 0"
end

local function name_or_false(value)
  return value == false or type(value) == "string" and value ~= "", "a name, or false"
end

local function not_negative(value)
  return type(value) == "number" and value >= 0, "a number, 0 for no bound"
end

-- Servers of MCP: {name = {command=, args=, env=}}.
local function servers(value)
  local good = type(value) == "table"
  for name, one in pairs(good and value or {}) do
    good = good and type(name) == "string" and name:find "^[%w_-]+$" and type(one) == "table"
      and type(one.command) == "string" and (one.args == nil or strings(one.args))
      and (one.env == nil or type(one.env) == "table")
  end
  return good and true or false, "a table like { name = { command = \"program\", args = {...}, env = {...} } }"
end

local figures = { usd = true, tokens = true, turns = true, seconds = true }
local function amounts(value)
  local good = type(value) == "table"
  for figure, amount in pairs(good and value or {}) do good = good and figures[figure] and positive(amount) end
  return good, "a table of usd, tokens, turns, seconds, each above 0"
end

-- key = {type or check, default, the same for its own keys}. README.md of .agentlua and `agentlua
-- init` show them to users.
M.keys = {
  tasks = { "string", ".agentlua/tasks" }, -- task directory, relative to the project
  worktrees = { "string" }, -- where worktrees go; <parent>/<repo>.worktrees
  branch = { "string", "task/{id8}-{slug}" }, -- of {id8}, {id} and {slug}; checked when a run starts
  base = { "string" }, -- the branch that work starts from and lands on; the current one
  land = { one_of("squash", "merge", "rebase", "branch", "patch", "none"), "squash" },
  message = { "string", "feat: {name} [task:{id8}]" },
  author = { "string" }, -- "Name <email>"; git's own
  -- status = command that says "merged" or "closed" first when the review of a task's branch is over
  pr = { "table", nil, { status = { list_of("string", 1) } } },
  -- remote that the base is pushed to after each landing
  push = { name_or_false, false },
  protect = { list_of "string", { ".agentlua/**" } },
  copy = { list_of "string", { ".env*" } }, -- ignored files that a worktree gets a copy of
  setup = { list_of "string" }, -- command run in a new worktree
  -- age in days at which `clean` removes saved, checkpoint and rescue refs; false: never
  keep_days = { function(value) return value == false or positive(value), "a number above 0, or false" end, false },
  save_limit = { positive, 100 << 20 }, -- bytes of ignored files that are saved with a worktree
  agents = { list_of("string", 1), { "claude" } }, -- the first one; the others while its account is limited
  backends = { "table", {} }, -- {name = {args=, env=, account=}}
  -- list of {name, argv or check, when, timeout, required}; what is not listed of work/checks.lua is made, too
  verify = { list_of "table", {} },
  on_empty = { one_of("fail", "done"), "fail" }, -- when the agent changed nothing
  attempts = { positive, 3 },
  revive = { not_negative, 0 }, -- times that a failed task is tried again by later runs, at most 3
  max_failures = { positive, 3 }, -- failed tasks in a row that end a run
  -- most that may be spent; dollars count where the agent says what it costs
  completion = { one_of("exit", "explicit"), "exit" }, -- explicit: an agent has to say agentlua task done
  budget = { "table", nil, { day = { amounts }, run = { amounts }, task = { amounts }, attempt = { amounts } } },
  -- waits for limits: longest one in seconds, times in a row; pauses in seconds when no end is named
  limits = { "table", nil, {
    max_wait = { positive, 8 * 86400 }, repeats = { not_negative, 10 },
    backoff = { "table", nil, { base = { positive, 60 }, cap = { positive, 3600 } } },
  } },
  rate = { "table", {} }, -- {agent = {per_minute = starts, running = agents at once}}, over all processes of the user
  -- seconds of one attempt
  timeouts = { "table", nil, { wall = { not_negative }, idle = { not_negative, 1800 }, start = { not_negative } } },
  -- most that one attempt may use: bytes of memory, processes at one time, bytes of output
  bounds = { "table", nil, {
    memory = { not_negative }, processes = { not_negative }, output = { not_negative },
  } },
  launcher = { list_of "string", {} }, -- put in front of the agent's command: { "nice" }, { "bwrap", ... }
  sandbox = { one_of("none", "bwrap"), "none" }, -- what agents and `verify` commands run in; see attempt/sandbox.lua
  secrets = { list_of "string", {} }, -- names of variables whose values are replaced in all logs
  stop_grace = { positive, 5 }, -- seconds between TERM and KILL
  -- {set = {NAME = value}, drop = {NAME, ...}, only = {NAME, ...}}
  env = { "table", nil, {
    set = { "table" }, drop = { list_of "string" }, only = { list_of "string" },
  } },
  network_store = { "boolean", false }, -- the task directory is on a network, used by one machine only
  jobs = { positive, 1 },
  require_analysis = { "boolean", false },
  -- servers and files of tools for agents beside our own; false: agents get none, not even ours
  mcp = { function(value) return value == false or type(value) == "table", "a table, or false" end, nil, {
    tools = { list_of "string", {} }, servers = { servers, {} },
  } },
  prompt = { "table", {} }, -- more names for templates
}

-- Keys of one agent in `rate`.
local rate_keys = { per_minute = { positive }, running = { count } }

-- Keys of one check of `verify`.
local verify_keys = {
  name = { "string" }, argv = { list_of("string", 1) }, timeout = { not_negative },
  check = { one_of("secrets", "home_paths", "conflict_markers", "clean_tree") }, required = { "boolean" },
  -- of the task's category; of changed files
  when = { "table", nil, { category = { names }, not_category = { names }, paths = { list_of "string" } } },
}

local function default(spec, where)
  if spec[3] then return M.check({}, where, spec[3]) end
  return type(spec[2]) == "table" and table.move(spec[2], 1, #spec[2], 1, {}) or spec[2]
end

--- Checks a table of settings and fills in the defaults. Raises ECONFIG for a mistake.
---@param where string what errors call the table
---@param keys table? M.keys
function M.check(settings, where, keys, prefix)
  keys, prefix = keys or M.keys, prefix or ""
  local out = {}
  for key, spec in pairs(keys) do out[key] = default(spec, where) end
  for key, value in pairs(settings) do
    local spec, name = keys[key], prefix .. tostring(key)
    if not spec then
      errors.usage("ECONFIG", ("%s: unknown key '%s'; the nearest is '%s'"):format(where, name,
        prefix .. nearest.key(tostring(key), keys)))
    end
    local ok, expected = type(value) == spec[1], "a " .. tostring(spec[1])
    if type(spec[1]) == "function" then ok, expected = spec[1](value) end
    if not ok then
      errors.usage("ECONFIG", ("%s: '%s' must be %s, it is %s"):format(where, name, expected,
        tostring(value)))
    end
    out[key] = spec[3] and value and M.check(value, where, spec[3], name .. ".") or value
  end
  for i, one in ipairs(out.verify or {}) do
    local known = M.check(one, where, verify_keys, ("verify[%d]."):format(i))
    if (known.argv == nil) == (known.check == nil) then
      errors.usage("ECONFIG", ("%s: verify[%d] needs argv = {\"program\", ...}, or check = \"secrets\""):format(where,
        i))
    end
  end
  for name, one in pairs(out.rate or {}) do
    if type(one) ~= "table" then
      errors.usage("ECONFIG", ("%s: 'rate.%s' must be a table, it is %s"):format(where, tostring(name), tostring(one)))
    end
    M.check(one, where, rate_keys, ("rate.%s."):format(tostring(name)))
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
  local dir, name = path:match "^(.-)([^/]*)$"
  local function fail(problem) -- Lua's message with the whole path, which Lua would shorten
    local placed = problem:find(name .. ":", 1, true) == 1
    errors.usage("ECONFIG", (placed and dir or path .. ": ") .. problem)
  end
  local chunk, problem = load(text, "=" .. name, "t", {})
  if not chunk then fail(problem) end
  local ok, settings = pcall(chunk)
  if not ok then fail(tostring(settings) .. " (config.lua is data: it can call nothing)") end
  if type(settings) ~= "table" then errors.usage("ECONFIG", path .. ": must return a table") end
  return M.check(settings, path)
end

return M
