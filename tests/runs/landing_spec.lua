local support = require "support"

describe("landing", function()
  local w
  after_each(function() w:close() end)

  local function refused(body)
    local id = w:add "a thing"
    local before, tip = w:user_work(), w:git("rev-parse", "HEAD")
    local result = w:run_lines(body)
    local task = w:task(id)
    assert.equal(1, result.code, result.stdout)
    assert.equal("needs-review", task.status)
    assert.equal(tip, w:git("rev-parse", "HEAD"))
    assert.equal(before, w:user_work())
    assert.equal(task.worktree.branch, w:git("branch", "--list", "--format=%(refname:short)", "task/*"))
    assert.equal("", w:git("for-each-ref", "refs/agentlua/pending"))
    return task
  end

  it("is refused before anything moves when the user changed the same file", function()
    w = support.new()
    w:make_user_work()
    assert.truthy(refused("echo x >>src/f1.txt\n").reason:find("src/f1.txt", 1, true))
  end)

  it("is refused when an untracked file is in the way", function()
    w = support.new()
    w:make_user_work()
    refused "echo x >untracked.txt\n"
  end)

  it("is refused when an ignored file is in the way", function()
    w = support.new()
    w:make_user_work()
    refused "echo x >secret.env; git add -f secret.env; git commit -q -m x\n"
  end)

  it("goes through by hand once the user has made room", function()
    w = support.new()
    w:make_user_work()
    local task = refused "echo x >>src/f1.txt\n"
    w:git("checkout", "--", "src/f1.txt")
    local result = w:al("land", task.id8)
    assert.equal(0, result.code, result.stderr)
    assert.equal("done", w:task(task.id).status)
    assert.equal(1, w:worktrees())
  end)

  it("hands a conflict to a person with the files named", function()
    w = support.new()
    local id = w:add "a thing"
    local body = "(cd %s && echo theirs >src/f1.txt && env -u GIT_COMMITTER_NAME git commit -qam user)\n"
      .. "echo mine >src/f1.txt\n"
    local result = w:run_lines(body:format(w.root))
    assert.equal(0, result.code, result.stdout)
    local task = w:task(id)
    assert.equal("needs-input", task.status)
    assert.equal("merge-conflict", task.pending_question.id)
    assert.equal("src/f1.txt (contents)", task.pending_question.context)
    assert.equal("theirs\n", w:read "src/f1.txt")
  end)

  it("waits for a person when the work touches .agentlua", function()
    w = support.new()
    local id = w:add "a thing"
    local result = w:run_lines "echo 'return {}' >.agentlua/hooks.lua"
    assert.equal(0, result.code)
    assert.equal("needs-review", w:task(id).status)
    assert.falsy(w:exists ".agentlua/hooks.lua")
  end)

  it("fails a task whose agent changed nothing, unless on_empty says done", function()
    w = support.new()
    w:config "attempts = 1"
    local id = w:add "a thing"
    assert.equal(1, w:run("nothing").code)
    assert.equal("failed", w:task(id).status)
    w:config [[on_empty = "done"]]
    local other = w:add "another thing"
    assert.equal(0, w:run("nothing").code)
    assert.equal("done", w:task(other).status)
  end)

  it("can make a merge commit, and can leave the branch to the user", function()
    w = support.new()
    w:add "a thing"
    assert.equal(0, w:run("edit", "--land", "merge").code)
    assert.equal(2, select(2, w:git("show", "-s", "--format=%P", "HEAD"):gsub("%x+", "")))
    local id, tip = w:add "another thing", w:git("rev-parse", "HEAD")
    assert.equal(0, w:run("edit", "--land", "branch").code)
    assert.equal("needs-review", w:task(id).status)
    assert.equal(tip, w:git("rev-parse", "HEAD"))
  end)

  it("moves only the ref of a base that is checked out nowhere", function()
    w = support.new()
    w.users_act = true -- the base is not the branch that the world looks after
    w:git("branch", "other")
    w:add "a thing"
    local before = w:git("rev-parse", "HEAD")
    assert.equal(0, w:run("edit", "--base", "other").code)
    assert.equal(before, w:git("rev-parse", "HEAD"))
    assert.equal("1", w:git("rev-list", "--count", before .. "..other"))
  end)
end)
