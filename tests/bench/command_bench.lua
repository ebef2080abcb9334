-- Speed of whole commands: lua5.4 tests/bench/command_bench.lua BASELINE DIR [ROUNDS]
-- The empty program is C++ that uses the standard library and nothing else.

package.path = "tests/bench/?.lua;" .. package.path
local al = require "agentlua"
local ratio = require "ratio"

local baseline, dir, rounds = assert(arg[1]), assert(arg[2]), tonumber(arg[3] or 5)
local host = al.fs.realpath "build/release/bin/agentlua"

local function many(times, ...)
  local begun = al.clock()
  for _ = 1, times do ratio.command(...) end
  return al.clock() - begun
end
local function version() return many(50, host, "version") end
local function empty() return many(50, baseline, "nothing") end
ratio.report("start of a command without git / an empty C++ program", 1 / ratio.of(rounds, empty, version),
  { ceiling = 2.5 })

-- The same 10,000 tasks for both.
local count = 10000
local repo, other = dir .. "/repo", dir .. "/taskwarrior"
assert(al.fs.mkdir(repo) and al.fs.mkdir(other))
local quiet = {
  GIT_AUTHOR_NAME = "x", GIT_AUTHOR_EMAIL = "x@x", GIT_COMMITTER_NAME = "x", GIT_COMMITTER_EMAIL = "x@x",
}
ratio.command("git", "init", "-q", repo)
ratio.command({ env = quiet }, "git", "-C", repo, "commit", "-q", "--allow-empty", "-m", "x")
ratio.command(host, "-C", repo, "init")
local list = al.json.array()
for i = 1, count do
  local text = ("d"):rep(700)
  local task = {
    id = "task-" .. i, name = "Task number " .. i, description = text, priority = i % 100,
    dependencies = al.json.array(), steps = { "one", "two" }, created_at = "2026-01-01T00:00:00Z",
    status = "todo", effort = "M",
  }
  local file = assert(io.open(("%s/.agentlua/tasks/todo/task-%d.json"):format(repo, i), "w"))
  file:write(al.json.dump(task, 2), "\n")
  file:close()
  list[i] = { description = task.name, annotations = { { entry = "20260101T000000Z", description = text } } }
end
assert(al.fs.write { path = other .. "/all.json", content = al.json.dump(list) })
assert(al.fs.write { path = other .. "/rc", content = "confirmation=off\nverbose=nothing\n" })
local env = { TASKRC = other .. "/rc", TASKDATA = other .. "/data" }
assert(al.fs.mkdir(env.TASKDATA))
ratio.command({ env = env }, "task", "import", other .. "/all.json")

local function ours() return ratio.timed(ratio.command, host, "-C", repo, "task", "next") end
local function theirs() return ratio.timed(ratio.command, { env = env }, "task", "next", "limit:1") end
ratio.report("agentlua task next / taskwarrior's, 10000 tasks", 1 / ratio.of(rounds, theirs, ours), { ceiling = 0.5 })
ratio.exit()
