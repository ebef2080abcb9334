local support = require "support"

describe("tripwire:", function()
  local w
  before_each(function()
    w = support.new()
    w.users_act = true -- the agents here touch what is the user's
  end)
  after_each(function() w:close() end)

  local function run(body, ...)
    return w:run_lines(body .. "\necho work >>src/f1.txt", ...)
  end
  local function event(what)
    for _, one in ipairs(w:events "tripwire") do
      if one.what == what then return one end
    end
  end

  it("a branch that the agent moved is put back, and what it was moved to is kept", function()
    local id = w:add "a thing"
    w:git("branch", "release")
    local result = run "git commit -q --allow-empty -m mine; git update-ref refs/heads/release HEAD"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal(w:git("rev-parse", "main^"), w:git("rev-parse", "release"))
    local seen = event "ref put back"
    assert.equal("refs/heads/release", seen.ref)
    assert.equal(seen.now, w:git("rev-parse", seen.rescue))
    assert.truthy(result.stderr:find("refs/heads/release", 1, true))
  end)

  it("what the agent commits in the user's checkout does not stay there", function()
    local id = w:add "a thing"
    w:make_user_work()
    local before = w:user_work()
    local body = "(cd %s && echo x >>src/f4.txt && git commit -qm mine src/f4.txt)\necho x >>src/f5.txt"
    local tip = w:git("rev-parse", "HEAD")
    local result = w:run_lines(body:format(w.root))
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal(tip, w:git("rev-parse", "HEAD^"))
    assert.equal("src/f5.txt", w:git("diff", "--name-only", "HEAD^", "HEAD"))
    assert.equal(before, w:user_work())
  end)

  it("what the user commits meanwhile stays", function()
    w:add "a thing"
    local body = "cd %s && env -u GIT_COMMITTER_NAME git commit -q --allow-empty -m user; cd - >/dev/null"
    local result = run(body:format(w.root))
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("user", w:git("log", "-1", "--format=%s", "main^"))
    assert.same({}, w:events "tripwire")
  end)

  it("a branch that is gone is kept", function()
    w:add "a thing"
    w:git("branch", "release")
    local tip = w:git("rev-parse", "release")
    local result = run "git branch -qD release"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(tip, w:git("rev-parse", event("ref deleted").rescue))
  end)

  it("a filter that the agent configures runs in no git of ours, also not in the next run", function()
    w:add "one"
    local body = ([[
      git config filter.evil.clean 'echo ran >>%s/MARKED; cat'
      git config filter.evil.smudge 'echo ran >>%s/MARKED; cat'
      echo '* filter=evil' >>"$(git rev-parse --git-common-dir)/info/attributes"
    ]]):format(w.top, w.top)
    local result = run(body)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.truthy(result.stderr:find("filter.evil.clean", 1, true))
    assert.falsy(w:exists(w.top .. "/MARKED"))
    w:add "two"
    result = run ":"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.truthy(result.stderr:find("agentlua trust", 1, true))
    assert.falsy(w:exists(w.top .. "/MARKED"))
  end)

  it("the user's own filter works, and one that is configured between runs is taken", function()
    w:add "one"
    assert.equal(0, run(":").code)
    w:git("config", "filter.code.clean", "sed s/work/coded/")
    w:git("config", "filter.code.smudge", "sed s/coded/work/")
    w:write(".git/info/attributes", "code.txt filter=code\n")
    w:add "two"
    local result = run "echo work >code.txt"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.truthy(w:git("cat-file", "-p", "HEAD:code.txt"):find("coded", 1, true))
    assert.equal("work\n", w:read "code.txt")
  end)

  it("hooks of the user run, those that an agent writes do not", function()
    w:write(".git/hooks/post-checkout", "#!/bin/sh\necho user >>" .. w.top .. "/HOOKS\n", 493)
    w:add "one"
    local result = run('printf "#!/bin/sh\\necho agent >>' .. w.top
      .. '/HOOKS\\n" >"$(git rev-parse --git-common-dir)/hooks/post-merge"; chmod +x '
      .. '"$(git rev-parse --git-common-dir)/hooks/post-merge"')
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("user\n", w:read "../HOOKS")
    assert.truthy(event "git setting changed, not used")
  end)

  it("scripts and settings of the project that change while an agent works are reported", function()
    w:add "one"
    assert.equal(0, run("echo '-- x' >>" .. w.root .. "/.agentlua/config.lua").code)
    assert.truthy(event("code").path:find("config.lua", 1, true))
  end)

  describe("other checkouts:", function()
    -- A task that has failed, and whose worktree is kept.
    local function kept()
      local id = w:add "the other"
      w:config "attempts = 1"
      w:git("commit", "-qam", "config")
      assert.equal(1, run("echo kept >kept.txt; exit 1").code)
      return w:task(id)
    end
    local function changes()
      local found = {}
      for _, one in ipairs(w:events "tripwire") do
        if one.what == "other checkout changed" then found[#found + 1] = one end
      end
      return found
    end

    it("work that was done beside the worktree of an ended task, which changed, waits for a person", function()
      local other = kept()
      assert.equal(0, w:al("task", "cancel", other.id8).code)
      local id = w:add "a thing"
      local result = run("echo more >>" .. other.worktree.path .. "/kept.txt")
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local task = w:task(id)
      assert.equal("needs-review", task.status)
      assert.truthy(task.reason:find(other.worktree.path, 1, true), task.reason)
      assert.same({ "kept.txt" }, changes()[1].paths)
      assert.equal("kept\nmore\n", w:read("../repo.worktrees/" .. other.worktree.path:match "[^/]*$" .. "/kept.txt"))
      assert.equal(0, w:al("land", task.id8).code)
      assert.equal("done", w:task(id).status)
    end)

    it("a worktree that waits for a person may be changed by them; a commit of the agent there is its own", function()
      local other = kept()
      local id = w:add "a thing"
      local result = run("echo more >>" .. other.worktree.path .. "/kept.txt")
      assert.equal(0, result.code, result.stdout .. result.stderr)
      assert.equal("done", w:task(id).status)
      assert.is_false(changes()[1].certain)
      assert.falsy(result.stderr:find("other checkout", 1, true))
      local second = w:add "another"
      result = run("(cd " .. other.worktree.path .. " && git add -A && git commit -qm mine)")
      assert.equal("needs-review", w:task(second).status, result.stdout .. result.stderr)
      assert.truthy(result.stderr:find("other checkout changed", 1, true))
    end)

    it("changes in checkouts of the user are an event and stay; nothing changed is none", function()
      w:git("worktree", "add", "-q", "-b", "topic", "../topic")
      w:write("src/f2.txt", "mine\n")
      local id = w:add "a thing"
      assert.equal(0, run("echo x >>src/f3.txt").code)
      assert.same({}, changes())
      w:add "another"
      run(("echo x >>%s/src/f4.txt; echo x >>%s/src/f2.txt; echo x >>%s/../topic/src/f5.txt"):format(w.root, w.root,
        w.root))
      assert.equal("done", w:task(id).status)
      local seen = {}
      for _, one in ipairs(changes()) do seen[one.path] = table.concat(one.paths, " ") end
      assert.same({ [w.root] = "src/f2.txt src/f4.txt", [w.top .. "/topic"] = "src/f5.txt" }, seen)
      assert.truthy(w:read("src/f4.txt"):find "x\n$")
    end)

    it("tasks that are worked on at the same time say nothing of each other", function()
      for i = 1, 4 do w:add("task " .. i) end
      local result = w:run_lines("echo x >new-$AGENTLUA_TASK_ID\nsleep 0.3\ngit add -A\ngit commit -qm work\n"
        .. "echo y >>new-$AGENTLUA_TASK_ID", "--jobs", "4")
      assert.equal(0, result.code, result.stdout .. result.stderr)
      assert.same({}, changes())
    end)
  end)
end)
