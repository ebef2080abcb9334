-- The ways in which work comes to its base, and what becomes of it when it does not.

local support = require "support"

describe("landing", function()
  local w
  before_each(function()
    w = support.new()
    w.users_act = true -- the user commits while agents work
  end)
  after_each(function() w:close() end)

  local function run(body, ...)
    w:write("../agent.sh", "#!/bin/sh\ncat >>" .. w.top .. "/prompt\n" .. body, 493)
    return w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh", ...)
  end
  local two_commits = "echo a >>src/f3.txt; git commit -qam first; echo b >>src/f4.txt; git commit -qam second\n"
  -- The user commits while the agent works.
  local function meanwhile(command)
    return ("(cd %s && unset GIT_COMMITTER_NAME && %s && git commit -qam user)\n"):format(w.root, command)
  end

  it("by rebase keeps the commits, on top of what the base has got meanwhile", function()
    local id = w:add "a thing"
    local result = run(meanwhile "echo x >>src/f5.txt" .. two_commits .. "echo c >new.txt\n", "--land", "rebase")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("agentlua: uncommitted work of a thing\nsecond\nfirst\nuser", w:git("log", "-4", "--format=%s"))
    assert.equal("", w:git("rev-list", "--merges", "HEAD"))
    assert.equal("c\n", w:read "new.txt")
    assert.equal(1, w:worktrees())
  end)

  it("by rebase does not change commits that are on the base already", function()
    w:add "a thing"
    assert.equal(0, run(two_commits .. "git rev-parse HEAD >" .. w.top .. "/tip", "--land", "rebase").code)
    assert.equal(w:read "../tip", w:git("rev-parse", "HEAD") .. "\n")
  end)

  it("by merge makes a merge commit", function()
    w:add "a thing"
    assert.equal(0, run(two_commits, "--land", "merge").code)
    assert.equal("2", w:git("rev-list", "--count", "HEAD^2", "^HEAD^1"))
  end)

  it("as patches leaves a mailbox that git am takes, and the task is done once they are on the base", function()
    local id = w:add "a thing"
    local result = run(two_commits, "--land", "patch")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task = w:task(id)
    assert.equal("needs-review", task.status)
    w:git("am", "-q", (task.reason:match "git am in (%S+patch)"))
    assert.equal(0, w:run("edit").code)
    assert.equal("done", w:task(id).status)
    assert.equal(1, w:worktrees())
    assert.equal("", w:git("branch", "--list", "task/*"))
  end)

  for name, merge in pairs {
    ["merged as it is"] = { "merge", "-q", "--no-edit" }, ["squashed"] = { "merge", "-q", "--squash" },
    ["picked"] = { "cherry-pick" },
  } do
    it("is left to the user as a branch, and seen when it is " .. name, function()
      local id = w:add "a thing"
      run("echo x >>src/f3.txt\n", "--land", "branch")
      local branch = w:task(id).worktree.branch
      w:git("commit", "-q", "--allow-empty", "-m", "meanwhile")
      merge[#merge + 1] = branch
      w:git(table.unpack(merge))
      if name == "squashed" then w:git("commit", "-q", "-m", "squashed") end
      assert.equal(0, run("true").code)
      assert.equal("done", w:task(id).status)
    end)
  end

  it("of a branch that waits is done by task done, which verifies and lands it", function()
    local id = w:add "a thing"
    run("echo x >>src/f3.txt\n", "--land", "branch")
    local result = w:al("task", "done", id)
    assert.equal(0, result.code, result.stderr)
    assert.equal("done", w:task(id).status)
    assert.truthy(w:read("src/f3.txt"):find "x\n$")
  end)

  it("can be on another branch than the one that it started from", function()
    local id = w:add "a thing"
    w:git("branch", "release")
    run("echo x >>src/f3.txt\n", "--land", "branch")
    assert.equal(2, w:al("land", id, "--onto", "nowhere").code)
    local result = w:al("land", id, "--onto", "release", { cwd = w.root })
    assert.equal(0, result.code, result.stderr)
    assert.equal("1", w:git("rev-list", "--count", "main..release"))
  end)

  it("is verified again when the base has changed the same file meanwhile", function()
    w:config(([[verify = { { argv = { "sh", "-c", "head -1 src/f1.txt >>%s/seen" } } }]]):format(w.top))
    w:git("commit", "-qam", "config")
    local id = w:add "a thing"
    local result = run("echo mine >>src/f1.txt\n" .. meanwhile "sed -i 1s/line/theirs/ src/f1.txt")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("line\ntheirs\n", w:read "../seen")
    assert.equal("", w:git("rev-list", "--merges", "HEAD"))
  end)

  it("fails when the work is wrong together with what the base has got meanwhile", function()
    w:config [[attempts = 1, verify = { { argv = { "sh", "-c", "! grep -q theirs src/f1.txt" } } }]]
    w:git("commit", "-qam", "config")
    local id = w:add "a thing"
    local result = run("echo mine >>src/f1.txt\n" .. meanwhile "sed -i 1s/line/theirs/ src/f1.txt")
    assert.equal(1, result.code, result.stdout)
    assert.equal("failed", w:task(id).status)
    assert.equal("user", w:git("log", "-1", "--format=%s"))
  end)

  local conflict = "sed -i 1s/line/mine/ src/f1.txt\n"
  local function conflicting()
    local id = w:add "a thing"
    local result = run(conflict .. meanwhile "sed -i 1s/line/theirs/ src/f1.txt")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task = w:task(id)
    assert.equal("needs-input", task.status)
    assert.equal("src/f1.txt (contents)", task.pending_question.context)
    return id, task
  end

  it("of a conflict is done by the person who resolves it", function()
    local id, task = conflicting()
    assert.equal(0, w:al("task", "answer", id, "A").code)
    assert.equal("needs-review", w:task(id).status)
    w:command { "sh", "-c", "git merge -q main; echo both >src/f1.txt; git commit -qam both", cwd = task.worktree.path }
    assert.equal(0, w:al("land", id).code)
    assert.equal("both\n", w:read "src/f1.txt")
  end)

  it("of a conflict is done by an agent that is told of it", function()
    local id = conflicting()
    assert.equal(0, w:al("task", "answer", id, "B").code)
    local result = run "git merge -q main; echo both >src/f1.txt; git commit -qam both\n"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("both\n", w:read "src/f1.txt")
    local prompt = w:read "../prompt"
    assert.truthy(prompt:find("src/f1.txt (contents)", 1, true) and prompt:find("git merge main", 1, true))
  end)

  it("of a conflict is given up for good, and saved", function()
    local id, before = conflicting()
    local answered = w:al("task", "answer", id, "D")
    assert.equal(0, answered.code, tostring(answered.stdout) .. answered.stderr)
    assert.equal("cancelled", w:task(id).status)
    assert.falsy(w:exists(before.worktree.path))
    assert.equal(0, w:al("restore", id).code)
    assert.equal("mine", require("agentlua").fs.read(before.worktree.path .. "/src/f1.txt"):match "^%w+")
  end)

  it("of a conflict starts over on the new base", function()
    local id, before = conflicting()
    assert.equal(0, w:al("task", "answer", id, "C").code)
    assert.equal(0, run("echo again >>src/f1.txt\n").code)
    assert.equal("done", w:task(id).status)
    assert.equal("mine", w:git("show", before.worktree.branch .. ":src/f1.txt"):match "^%w+")
  end)
end)
