local al = require "agentlua"
local support = require "support"

describe("a run of the execution loop", function()
  local w
  after_each(function() w:close() end)

  it("lands every task as one commit and leaves the user's files alone", function()
    w = support.new { dir = "my répo", branch = "trunk" }
    w:make_user_work()
    local before = w:user_work()
    local a = w:add("first thing", "--description", "all of it", "--accept", "it exists")
    w:add("second thing", "--depends", a)
    w:add "third thing"
    local commits = w:commits()
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(3, w:count "done")
    assert.equal(commits + 3, w:commits())
    assert.equal(before, w:user_work())
    assert.equal(1, w:worktrees())
    assert.equal("", w:git("branch", "--list", "task/*"))
    assert.equal("", w:git("for-each-ref", "refs/agentlua/pending"))
    for subject in w:git("log", "--format=%s", "-3"):gmatch "[^\n]+" do
      assert.truthy(subject:match "^feat: %a+ thing %[task:%x%x%x%x%x%x%x%x%]$", subject)
    end
    assert.equal("committed\nleft uncommitted\n", w:git("show", "HEAD:new-" .. a .. ".txt") .. "\n")
  end)

  it("records what every attempt saw and said", function()
    w = support.new()
    local id = w:add "a thing"
    assert.equal(0, w:run("edit").code)
    local ended = w:events "attempt_ended"
    assert.equal(1, #ended)
    assert.equal("done", ended[1].ending)
    local task = w:task(id)
    assert.equal("done", task.attempts[1].ending)
    local dir = (".agentlua/runs/%s/%s/1."):format(task.attempts[1].run, task.id8)
    assert.equal("to stdout\n", w:read(dir .. "stream.jsonl"))
    assert.equal("to stderr\n", w:read(dir .. "stderr"))
    assert.truthy(w:read(dir .. "prompt.md"):find("# Task: a thing", 1, true))
    local run = al.json.parse(w:read(".agentlua/runs/" .. task.attempts[1].run .. "/run.json"))
    assert.equal("drained", run.reason)
    assert.equal(1, run.counts.done)
  end)

  it("takes a task through analysis and execution", function()
    w = support.new()
    local id = w:add "a thing"
    assert.equal(0, w:al("run", "analyse.lua", "--agent", "demo").code)
    assert.equal("analysed", w:task(id).status)
    assert.truthy(w:task(id).analysis.summary:find("notes/", 1, true))
    assert.equal(1, w:worktrees())
    assert.equal(0, w:al("run", "execute.lua", "--agent", "demo").code)
    assert.equal("done", w:task(id).status)
    assert.truthy(w:read("notes/a-thing.md"))
    local seen = {}
    for _, event in ipairs(w:events "task_claimed") do seen[#seen + 1] = event.from .. ">" .. event.to end
    assert.same({ "todo>analysing", "analysed>in-progress" }, seen)
  end)

  it("starts a dependent task from a base that has the work", function()
    w = support.new()
    local first = w:add "first"
    w:add("second", "--depends", first)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "demo").code)
    local list = w:read "notes/README.md"
    assert.truthy(list:find("first.md", 1, true) and list:find("second.md", 1, true), list)
  end)

  it("sends an agent back when verification fails, and fails the task with its work kept", function()
    w = support.new()
    w:config [[ attempts = 2, verify = { { name = "never", argv = { "sh", "-c", "echo broken thing; exit 3" } } } ]]
    local id = w:add "a thing"
    assert.equal(1, w:run("edit").code)
    local task = w:task(id)
    assert.equal("failed", task.status)
    assert.equal(2, #task.attempts)
    assert.truthy(task.reason:find("broken thing", 1, true))
    assert.equal(3, task.verification[1].code)
    local prompt = w:read((".agentlua/runs/%s/%s/2.prompt.md"):format(task.attempts[2].run, task.id8))
    assert.truthy(prompt:find("broken thing", 1, true))
    assert.truthy(al.fs.read(task.worktree.path .. "/new-" .. id .. ".txt"))
  end)

  it("ends after three failed tasks in a row", function()
    w = support.new()
    w:config "attempts = 1"
    for i = 1, 5 do w:add("task " .. i) end
    assert.equal(1, w:run("fail").code)
    assert.equal(3, w:count "failed")
    assert.equal(2, w:count "todo")
    assert.equal("failures", w:events("run_ended")[1].reason)
  end)

  it("gives worktrees copies of ignored files and saves what the agent makes of them", function()
    w = support.new()
    w:write(".gitignore", "*.env\n.env*\n")
    w:git("commit", "-qam", "ignore")
    w:write(".env.local", "KEY=1\n")
    w:write("agent.sh", '#!/bin/sh\ncat >/dev/null\ncp .env.local seen.txt\necho cache >big.env\n', 493)
    w:add "a thing"
    assert.equal(0, w:al("run", "execute.lua", "--agent", "./agent.sh").code)
    assert.equal("KEY=1", w:git("show", "HEAD:seen.txt"))
    local ref = w:git("for-each-ref", "--format=%(refname)", "refs/agentlua/saved")
    assert.equal("cache", w:git("show", ref .. ":big.env"))
    assert.equal("", w:git("ls-tree", "-r", "--name-only", "HEAD", "big.env"))
  end)

  it("works on several tasks at once with --jobs, in a linear history", function()
    w = support.new()
    for i = 1, 8 do w:add("task " .. i) end
    local result = w:run("edit", "--jobs", "4")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(8, w:count "done")
    assert.equal("", w:git("rev-list", "--merges", "HEAD"))
  end)
end)
