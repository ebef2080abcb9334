local al = require "agentlua"
local support = require "support"

describe("work that is kept", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function run(lines) return w:run_lines(lines) end
  local function json(...)
    local result = w:al(...)
    assert.equal(0, result.code, result.stderr)
    return al.json.parse(result.stdout)
  end
  local function refused(code, hint, ...)
    local words = table.pack(...)
    words[#words + 1] = "--json"
    local result = w:al(table.unpack(words))
    assert.equal(2, result.code, result.stdout .. result.stderr)
    local problem = al.json.parse(result.stderr).error
    assert.equal(code, problem.code)
    assert.truthy(tostring(problem.hint or problem.message):find(hint, 1, true), result.stderr)
  end
  local function status(path)
    return w:git("-C", path, "status", "--porcelain=v2", "-z", "--ignored") .. w:git("-C", path, "ls-files", "-s")
  end
  -- A task whose agent failed in the middle of a merge with a conflict.
  local function stuck_in_merge()
    w:config "attempts = 1"
    local id = w:add "a thing"
    assert.equal(1, run([[
      echo mine >src/f1.txt; git commit -qam mine
      git checkout -q --detach HEAD~1; echo theirs >src/f1.txt; git commit -qam theirs; theirs=$(git rev-parse HEAD)
      git checkout -q -; git merge -q $theirs
      echo new >new.txt; echo secret >own.env; exit 1]]).code)
    return w:task(id)
  end
  local function remove(task) w:git("worktree", "remove", "--force", "--force", task.worktree.path) end

  it("after a landing can be looked at again: ignored files, on the branch that went", function()
    local id = w:add "a thing"
    assert.equal(0, run("echo x >new.txt; echo cache >cache.env\n").code)
    local task = w:task(id)
    assert.equal("done", task.status)
    local made = json("restore", task.id8, "--json")
    assert.equal(task.worktree.path, made.path)
    assert.equal(task.worktree.branch, made.branch)
    assert.equal(("refs/agentlua/saved/%s/1"):format(task.id8), made.ref)
    assert.equal(w:git("rev-parse", made.ref), made.commit)
    assert.equal("cache\n", al.fs.read(made.path .. "/cache.env"))
    assert.equal("x\n", al.fs.read(made.path .. "/new.txt"))
    refused("EEXIST", "--to DIR", "restore", task.id8)
    local other = json("restore", task.id8, "1", "--to", "../other place", "--json")
    assert.equal(w.top .. "/other place", other.path)
    assert.equal(al.json.null, other.branch)
    assert.equal(made.path, w:task(id).worktree.path)
  end)

  it("by a checkpoint comes back in the middle of a merge, and can be landed", function()
    local task = stuck_in_merge()
    assert.equal("failed", task.status)
    local before, user = status(task.worktree.path), w:user_work()
    local kept = json("checkpoint", task.id8, "--json")
    assert.equal(("refs/agentlua/checkpoint/%s/1"):format(task.id8), kept.ref)
    assert.equal(before, status(task.worktree.path))
    assert.equal(kept.commit, w:events("checkpoint")[1].commit)
    remove(task)
    w:git("gc", "-q", "--prune=now")
    local result = w:al("restore", task.id8, "--checkpoint", "1")
    assert.equal(0, result.code, result.stderr)
    assert.truthy(result.stdout:find("the task goes on there", 1, true))
    assert.equal(before, status(task.worktree.path))
    assert.equal("secret\n", al.fs.read(task.worktree.path .. "/own.env"))
    assert.equal(user, w:user_work())
    al.fs.write { path = task.worktree.path .. "/src/f1.txt", content = "both\n" }
    w:git("-C", task.worktree.path, "commit", "-q", "-a", "-m", "merged")
    result = w:al("land", task.id8)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("both\n", w:read "src/f1.txt")
    assert.equal("new\n", w:read "new.txt")
  end)

  it("goes on in the place it was restored to", function()
    local task = stuck_in_merge()
    json("checkpoint", task.id8, "--json")
    remove(task)
    local made = json("restore", task.id8, "--checkpoint", "1", "--to", w.top .. "/moved", "--json")
    local now = w:task(task.id).worktree
    assert.same({ w.top .. "/moved", task.worktree.branch, task.worktree.base_commit },
      { now.path, now.branch, now.base_commit })
    assert.equal(now.path, made.path)
  end)

  it("is listed, and what is not there is said", function()
    local task = stuck_in_merge()
    assert.equal("", w:al("restore", task.id8, "--list").stdout)
    refused("ENOENT", "--list", "restore", task.id8)
    for n = 1, 11 do assert.equal(n, json("checkpoint", task.id8, "--json").n) end
    local list = json("restore", task.id8, "--list", "--json")
    assert.equal(11, #list)
    assert.same({ "checkpoint", 11 }, { list[11].kind, list[11].n })
    assert.truthy(w:al("restore", task.id8, "--list").stdout:find("checkpoint  11 ", 1, true))
    refused("ENOENT", "--list", "restore", task.id8, "--checkpoint", "12")
    refused("ENOWORKTREE", "--list", "checkpoint", w:add "another")
  end)

  it("can be kept while the task is worked on, but not restored", function()
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:agent "slow")
    support.eventually(function() return al.fs.stat(w.env.MARK) end, "the agent starts")
    local task = w:task(id)
    local kept = json("checkpoint", task.id8, "--json")
    assert.equal("attempt 1", w:git("show", ("%s:new-%s.txt"):format(kept.ref, id)))
    refused("ELOCKED", "agentlua stop", "restore", task.id8, "--checkpoint", "1", "--to", w.top .. "/elsewhere")
    assert.falsy(w:exists(w.top .. "/elsewhere"))
    w:al "stop"
    child:wait()
    json("restore", task.id8, "--checkpoint", "1", "--to", w.top .. "/elsewhere", "--json")
  end)

  it("is never written over by what is kept later", function()
    local id = w:add "a thing"
    run "echo x >new.txt; echo 1 >cache.env\n"
    local task = w:task(id)
    w:al("restore", task.id8)
    assert.equal(0, w:al("task", "reopen", task.id8).code)
    run "echo y >other.txt; echo 2 >cache.env\n"
    for n = 1, 2 do
      assert.equal(tostring(n), w:git("show", ("refs/agentlua/saved/%s/%d:cache.env"):format(task.id8, n)))
    end
  end)
end)
