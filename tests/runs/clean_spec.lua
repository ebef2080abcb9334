local al = require "agentlua"
local support = require "support"

describe("agentlua clean", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- A task that failed with a commit, an uncommitted and an ignored file in its worktree.
  local function failed_task(name)
    w:config "attempts = 1"
    local id = w:add(name or "a thing")
    w:run_lines "echo 1 >done.txt; git add -A; git commit -qm wip; echo 2 >open.txt; echo 3 >x.env; exit 1"
    local task = w:task(id)
    assert.equal("failed", task.status)
    return task
  end
  local function task_file(task) return ".agentlua/tasks/" .. task.status .. "/" .. task.file end
  local function remove_task(task) assert(al.fs.remove(w.root .. "/" .. task_file(task))) end

  -- All refs and all files of the world, to see that nothing changed.
  local function everything()
    return w:git "for-each-ref" .. w:git("worktree", "list", "--porcelain") .. w:command {
      "sh", "-c", "find . ../repo.worktrees -type f ! -path './.git/index' -exec sha256sum {} + | sort -k2",
    }.stdout
  end
  local function lines(result)
    local found = {}
    for line in result.stdout:gmatch "[^\n]+" do
      if line:find "^remove " or line:find "^keep " then found[#found + 1] = line end
    end
    return found
  end
  local function saved(task) return "refs/agentlua/saved/" .. task.id8 end

  it("saves and removes what a task that is gone has left, and says why", function()
    local task = failed_task()
    local tip = w:git("rev-parse", task.worktree.branch)
    remove_task(task)
    local before = everything()
    local dry = w:al("clean", "--dry-run")
    assert.equal(before, everything())
    local result = w:al "clean"
    assert.same({ 0, "" }, { result.code, result.stderr })
    assert.same(lines(dry), lines(result))
    assert.equal(1, #lines(dry))
    for _, text in ipairs { task.worktree.path, "does not exist any more", task.id8 } do
      assert.truthy(dry.stdout:find(text, 1, true), dry.stdout)
    end
    assert.equal(1, w:worktrees())
    assert.falsy(w:exists(task.worktree.path))
    assert.equal("", w:git("branch", "--list", "task/*"))
    assert.equal(tip, w:git("rev-parse", saved(task) .. "/branch-1"))
    local kept = saved(task) .. "/1"
    assert.equal("2\n3", w:git("show", kept .. ":open.txt") .. "\n" .. w:git("show", kept .. ":x.env"))
    assert.same({}, lines(w:al "clean"))
  end)

  it("keeps what belongs to a task that is wanted, and says so with --verbose", function()
    local task = failed_task()
    local before = everything()
    assert.same({}, lines(w:al "clean"))
    local said = w:al("clean", "--verbose").stdout
    assert.truthy(said:find(task.worktree.path .. ": its task is in failed", 1, true), said)
    assert.equal(before, everything())
  end)

  for _, command in ipairs { "cancel", "skip" } do
    it("removes what a task has left after task " .. command, function()
      local task = failed_task()
      assert.equal(0, w:al("task", command, task.id).code)
      assert.equal(0, w:al("clean").code)
      assert.equal(1, w:worktrees())
      assert.equal("2", w:git("show", saved(task) .. "/1:open.txt"))
    end)
  end

  it("takes an unreadable task for no orphan, neither in its place nor set aside", function()
    local task = failed_task()
    w:write(task_file(task), '{"id": "cut off')
    local before = everything()
    local result = w:al("clean", "--verbose")
    assert.equal(before, everything())
    assert.truthy(result.stdout:find("cannot be read", 1, true), result.stdout)
    al.fs.mkdir(w.root .. "/.agentlua/tasks/.quarantine")
    w:write(".agentlua/tasks/.quarantine/failed-12345678-renamed.json", "")
    remove_task(task)
    assert.same({}, lines(w:al "clean"))
    assert.equal(2, w:worktrees())
    assert(al.fs.remove(w.root .. "/.agentlua/tasks/.quarantine/failed-12345678-renamed.json"))
    w:write(".agentlua/tasks/.quarantine/failed-12345678-other-0123abcd.json", "") -- certainly another
    assert.equal(1, #lines(w:al "clean"))
  end)

  it("touches no worktree and no branch that the user has made", function()
    w:git("worktree", "add", "-q", "-b", "mine", w.root .. ".worktrees/mine")
    w:git("worktree", "add", "-q", "-b", "feature/x", w.top .. "/elsewhere")
    w:git("branch", "task/deadbeef-mine")
    local id = w:add "a thing"
    w:git("branch", "task/" .. w:task(id).id8 .. "-by-hand")
    assert.equal(0, w:al("task", "cancel", id).code)
    w:git("branch", "task/notes")
    local before = everything()
    assert.same({}, lines(w:al("clean", "--verbose")))
    assert.equal(before, everything())
  end)

  it("removes the branch of a task that is gone, with its tip kept", function()
    local task = failed_task()
    w:git("worktree", "unlock", task.worktree.path)
    w:git("worktree", "remove", "--force", task.worktree.path)
    local tip = w:git("rev-parse", task.worktree.branch)
    remove_task(task)
    local result = w:al("clean", "--json")
    local found = al.json.parse(result.stdout).findings
    assert.same({ 1, "branch", task.worktree.branch, "remove", task.id8 },
      { #found, found[1].kind, found[1].name, found[1].action, found[1].task })
    assert.equal("", w:git("branch", "--list", "task/*"))
    assert.equal(tip, w:git("rev-parse", saved(task) .. "/branch-1"))
  end)

  it("leaves alone what a running task has, whatever its file says", function()
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:shell_agent "echo 1 >x.txt; echo >$MARK; sleep 60")
    support.eventually(function() return w:exists(w.top .. "/mark") end, "the agent runs")
    assert.same({}, lines(w:al "clean"))
    assert.equal(2, w:worktrees())
    local result = w:al("discard", id)
    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("agentlua stop", 1, true), result.stderr)
    assert.equal("in-progress", w:task(id).status)
    child:stop()
    child:wait()
    assert.equal(2, w:worktrees())
  end)

  it("keeps, and names, a worktree that somebody is in; the next clean removes it", function()
    local task = failed_task()
    remove_task(task)
    local child = assert(al.process.spawn { "sleep", "60", cwd = task.worktree.path })
    local result = w:al "clean"
    child:stop { grace = 0 }
    child:wait()
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("(sleep)", 1, true), result.stderr)
    assert.truthy(w:exists(task.worktree.path .. "/open.txt"))
    assert.equal(0, w:al("clean").code)
    assert.equal(1, w:worktrees())
  end)

  it("finds a worktree whose pointer files the agent has rewritten", function()
    local task = failed_task()
    assert(al.fs.remove(task.worktree.path .. "/.git"))
    assert(al.fs.write { path = task.worktree.git_dir .. "/gitdir", content = w.top .. "/nowhere/.git\n" })
    assert.equal(0, w:al("task", "cancel", task.id).code)
    local result = w:al "clean"
    assert.same({ 0, "" }, { result.code, result.stderr })
    assert.falsy(w:exists(task.worktree.path))
    assert.equal(1, w:worktrees())
    assert.equal("2", w:git("show", saved(task) .. "/1:open.txt"))
  end)

  it("does not follow a link that took the place of a worktree", function()
    local task = failed_task()
    assert.equal(0, w:al("task", "cancel", task.id).code)
    w:command { "mv", task.worktree.path, w.top .. "/moved" }
    w:command { "ln", "-s", w.root, task.worktree.path }
    local tip = w:git("rev-parse", "HEAD")
    local result = w:al "clean"
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("symbolic link", 1, true), result.stderr)
    assert.equal(tip, w:git("rev-parse", "HEAD"))
    assert.truthy(w:exists "src/f1.txt")
    assert.truthy(w:exists(w.top .. "/moved/open.txt"))
  end)

  it("knows that a task of another task directory is not gone", function()
    local tasks = { "--tasks", w.top .. "/tasks" }
    assert.equal(0, w:al("task", "add", "elsewhere", table.unpack(tasks)).code)
    w:run_lines("echo 2 >open.txt; exit 1", table.unpack(tasks))
    assert.equal(2, w:worktrees())
    local said = w:al("clean", "--verbose").stdout
    assert.truthy(said:find("its tasks are in " .. w.top .. "/tasks", 1, true), said)
    assert.equal(2, w:worktrees())
  end)

  it("keeps commits of a detached HEAD", function()
    local id = w:add "a thing"
    w:run_lines "git checkout -q --detach; echo 1 >x.txt; git add -A; git commit -qm detached; exit 1"
    local task = w:task(id)
    local head = w:git("-C", task.worktree.path, "rev-parse", "HEAD")
    assert.equal(0, w:al("task", "cancel", id).code)
    assert.equal(0, w:al("clean").code)
    assert.equal(1, w:worktrees())
    assert.truthy(w:git("for-each-ref", saved(task)):find(head, 1, true))
  end)
end)

describe("with keep_days, agentlua clean", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("removes saved work that is older", function()
    local tip = w:git("rev-parse", "HEAD")
    local refs = { "saved/0123abcd/1", "saved/0123abcd/branch-1", "checkpoint/0123abcd/1", "rescue/run/x", "pending/x" }
    for _, ref in ipairs(refs) do
      w:git("update-ref", "--create-reflog", "refs/agentlua/" .. ref, tip)
      w:command { "touch", "-d", "3 days ago", w.root .. "/.git/logs/refs/agentlua/" .. ref }
    end
    w:git("update-ref", "--create-reflog", "refs/agentlua/saved/0123abcd/2", tip)
    w:write("../old.lua", [[
      local p = require("agentlua").project.open()
      p.config.keep_days = 2
      for _, finding in ipairs(require("agentlua.work.orphans").find(p)) do
        print(finding.kind, finding.name, finding.go)
        require("agentlua.work.janitor").remove(p, finding)
      end
    ]])
    local result = w:al("run", w.top .. "/old.lua")
    assert.same({ 0, "" }, { result.code, result.stderr })
    assert.equal(4, select(2, result.stdout:gsub("\n", "")))
    assert.equal("refs/agentlua/pending/x\nrefs/agentlua/saved/0123abcd/2",
      w:git("for-each-ref", "--format=%(refname)", "refs/agentlua"))
  end)

  it("otherwise keeps saved work for ever", function()
    w:git("update-ref", "--create-reflog", "refs/agentlua/saved/0123abcd/1", "HEAD")
    w:command { "touch", "-d", "999 days ago", w.root .. "/.git/logs/refs/agentlua/saved/0123abcd/1" }
    assert.equal("removed 0\n", w:al("clean").stdout)
  end)
end)

describe("agentlua discard", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("saves the work, removes worktree and branch, cancels the task", function()
    w:config "attempts = 1"
    w:make_user_work()
    local id = w:add "a thing"
    w:run "edit"
    local before = w:user_work()
    local other = w:add "another thing"
    w:run "fail"
    local task = w:task(other)
    w:write("../" .. task.worktree.path:match "repo%.worktrees/.*" .. "/open.txt", "2\n")
    local result = w:al("discard", task.id8)
    assert.same({ 0, "" }, { result.code, result.stderr })
    local ref = result.stdout:match "saved as (refs/agentlua/saved/%x+/%d+)\n"
    assert.equal("2", w:git("show", ref .. ":open.txt"))
    task = w:task(other)
    assert.same({ "cancelled", "discarded; agentlua restore " .. task.id8 .. " brings it back" },
      { task.status, task.reason })
    assert.equal(1, w:worktrees())
    assert.equal("", w:git("branch", "--list", "task/*"))
    assert.equal(before, w:user_work())
    assert.equal(2, w:al("discard", id).code)
    assert.equal(0, w:al("discard", other).code)
  end)

  it("leaves everything as it was when the worktree cannot be removed", function()
    local id = w:add "a thing"
    w:config "attempts = 1"
    w:run "fail"
    local task = w:task(id)
    w:git("init", "-q", task.worktree.path .. "/nested")
    local result = w:al("discard", id)
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("nested/", 1, true), result.stderr)
    local now = w:task(id)
    assert.same({ "failed", task.reason }, { now.status, now.reason })
    assert.truthy(w:exists(task.worktree.path .. "/nested"))
  end)
end)
