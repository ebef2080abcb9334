-- agentlua init

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local git = require "agentlua.git"
local place = require "agentlua.place"
local store = require "agentlua.store"
local stubs = require "agentlua.stubs"
local trust = require "agentlua.trust"

local gitignore = [[
# State of agentlua: tasks, runs and logs belong to this checkout, not to the history.
/tasks/
/runs/
/events.jsonl
/limits.json
/memory.sqlite*
# What editors know of agentlua; written by agentlua init.
/meta/
]]

-- Settings of the Lua language server, for an editor that opens .agentlua.
local luarc = [[
{
  "runtime.version": "Lua 5.4",
  "runtime.path": ["lua/?.lua", "lua/?/init.lua"],
  "workspace.library": ["meta"],
  "workspace.ignoreDir": ["tasks", "runs"],
  "workspace.checkThirdParty": false
}
]]

local config = [[
-- Settings of agentlua for this project. Data only; a key that is left out has the value shown.
return {
%s
  -- agents = { "claude" },           -- the agent; more of them stand in while its account is limited
  -- attempts = 3,                    -- tries of an agent on one task
  -- jobs = 1,                        -- tasks at once
  -- base = "main",                   -- branch that work starts from and lands on; the current one
  -- land = "squash",                 -- squash, merge, rebase; branch, patch, none: for a person
  -- message = "feat: {name} [task:{id8}]",
  -- push = "origin",                 -- remote that the base is pushed to after each landing; or --push
  -- protect = { ".agentlua/**" },    -- changes to these wait for a person
  -- pr = { status = { "pr-state" } }, -- command that says merged or closed of $AGENTLUA_BRANCH
  -- copy = { ".env*" },              -- ignored files that worktrees get too; .worktreeinclude names more
  -- setup = { "npm", "ci" },         -- command that prepares a new worktree
  -- limits = { repeats = 10 },       -- waits in a row for a limit, max_wait = seconds; then a person is asked
  -- rate = { claude = { running = 2 } }, -- most at once of all your runs, per_minute = starts
  -- timeouts = { idle = 1800 },      -- seconds without output; wall, start: in all, until the first
  -- bounds = {},                     -- memory, output = bytes; processes = number; of one attempt
  -- launcher = {},                   -- put in front of the agent's command: { "nice" }
  -- budget = { task = { usd = 5 } }, -- day, run, task, attempt; usd, tokens, turns, seconds
  -- sandbox = "bwrap",               -- bubblewrap: agents write in their worktree only
  -- mcp = { tools = { "tools.lua" } }, -- your own tools for agents; servers; false: none at all
  -- secrets = { "NPM_TOKEN" },       -- variables whose values no log shows; keys of agents are known
  -- stop_grace = 5,                  -- seconds between TERM and KILL
}
]]

-- Test commands that projects of a kind usually have.
local known_tests = {
  { "Makefile", "^test:", { "make", "test" } },
  { "package.json", '"test"%s*:', { "npm", "test" } },
  { "Cargo.toml", ".", { "cargo", "test" } },
  { "go.mod", ".", { "go", "test", "./..." } },
  { "pyproject.toml", "pytest", { "pytest" } },
  { "CMakePresets.json", "testPresets", { "ctest", "--preset", "dev" } },
}

local function detect(root)
  local found = {}
  for _, test in ipairs(known_tests) do
    local text = core.fs.read(root .. "/" .. test[1])
    if text and (("\n" .. text):find("\n" .. test[2]:sub(2)) or text:find(test[2])) then found[#found + 1] = test[3] end
  end
  return found
end

local function verify_lines(found)
  local lines = { "  -- verify = {                       -- commands that decide whether a task is done" }
  for _, argv in ipairs(#found > 0 and found or { { "make", "test" } }) do
    lines[#lines + 1] = ('  --   { name = "%s", argv = { "%s" }, timeout = 900 },'):format(table.concat(argv, " "),
      table.concat(argv, '", "'))
  end
  lines[#lines + 1] = "  -- },"
  return table.concat(lines, "\n")
end

-- What editors need to complete and check scripts.
local function write_for_editors(dir)
  errors.check(core.fs.mkdir(dir .. "/meta"))
  for _, topic in ipairs(stubs.topics) do
    errors.check(core.fs.write { path = ("%s/meta/%s.lua"):format(dir, topic), content = stubs.text(topic) })
  end
  errors.check(core.fs.write { path = dir .. "/.luarc.json", content = luarc })
end

return {
  summary = "make .agentlua in this repository, and trust it",
  run = function()
    local at = place.find "."
    local repo, message, code = git.open "."
    if not repo or not at then errors.usage(code or "ENOREPO", message or "not in a git repository") end
    if at.lost then errors.usage("ENOREPO", at.lost) end
    if core.fs.stat(at.dir) then
      if trust.has(at.dir) then
        print(core.text.printable(at.dir) .. " is there already")
        return 0
      end
      errors.usage("EEXIST", at.dir .. " is there already, and was not made here; read it, then run: agentlua trust")
    end
    errors.check_usage(core.fs.mkdir(at.dir))
    local found = detect(at.root)
    errors.check(core.fs.write { path = at.dir .. "/.gitignore", content = gitignore })
    errors.check(core.fs.write { path = at.dir .. "/config.lua", content = config:format(verify_lines(found)) })
    write_for_editors(at.dir)
    errors.check(store.open(at.dir .. "/tasks", { create = true }))
    trust.add(at.dir)
    print("made " .. core.text.printable(at.dir))
    for _, argv in ipairs(found) do
      print("found a test command: " .. table.concat(argv, " ") .. " (make it decide: verify in config.lua)")
    end
    print 'next: agentlua task add "..." and agentlua run execute.lua'
  end,
}
