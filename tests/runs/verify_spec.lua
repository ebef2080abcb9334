local al = require "agentlua"
local support = require "support"

describe("verification", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function run(...) return w:run_lines(...) end

  it("sends an agent back with the failure, until it is right", function()
    w:config [[verify = { { name = "right", argv = { "grep", "-q", "right", "answer.txt" } } }]]
    local id = w:add "a thing"
    local result = run [[case $prompt in *"Verification 'right' failed"*) echo right >answer.txt ;;
      *) echo wrong >answer.txt ;; esac]]
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ "done", 2 }, { w:task(id).status, #w:task(id).attempts })
    local evidence = w:task(id).verification[1]
    assert.same({ "right", 0, true }, { evidence.name, evidence.code, evidence.required })
    assert.equal(64, #evidence.output_sha256)
  end)

  it("that never agrees fails the task after `attempts` tries, its work kept and the reason shown", function()
    w:config [[attempts = 2, verify = { { name = "never", argv = { "sh", "-c", "echo not good; exit 7" } } }]]
    local id = w:add "a thing"
    assert.equal(1, run("echo x >file.txt").code)
    local task = w:task(id)
    assert.same({ "failed", 2 }, { task.status, #task.attempts })
    assert.matches("Verification 'never' failed %(exit code 7%).*not good", task.reason)
    assert.equal("x\n", al.fs.read(task.worktree.path .. "/file.txt"))
  end)

  it("advisory checks do not stop a task, and are evidence", function()
    w:config [[verify = { { name = "style", argv = { "false" }, required = false } }]]
    local id = w:add "a thing"
    assert.equal(0, run("echo x >file.txt").code)
    assert.same({ "done", 1, false }, {
      w:task(id).status, w:task(id).verification[1].code, w:task(id).verification[1].required,
    })
  end)

  it("`when` chooses by category and by changed files", function()
    w:config [[verify = {
      { name = "docs", argv = { "false" }, when = { paths = { "docs/**" } } },
      { name = "bugs", argv = { "false" }, when = { category = "bugfix" } },
      { name = "others", argv = { "true" }, when = { not_category = { "bugfix" }, paths = { "src/*", "*.txt" } } },
    }, attempts = 1]]
    local id = w:add "a thing"
    assert.equal(0, run("echo x >file.txt").code)
    assert.equal("others", w:task(id).verification[1].name)
    local bug = w:add("a bug", "--category", "bugfix")
    assert.equal(1, run("echo x >file2.txt", "--task", bug).code)
    assert.matches("'bugs' failed", w:task(bug).reason)
    local page = w:add "a page"
    assert.equal(1, run("mkdir docs; echo x >docs/a", "--task", page).code)
    assert.matches("'docs' failed", w:task(page).reason)
  end)

  it("a check that hangs ends at its time limit, with all that it started", function()
    w:config [[attempts = 1, verify = { { name = "hangs", argv = { "sh", "-c", "setsid sleep 1000 & sleep 1000" },
      timeout = 0.5 } }]]
    local id = w:add "a thing"
    assert.equal(1, run("echo x >file.txt").code)
    assert.matches("'hangs' failed %(time limit%)", w:task(id).reason)
    assert.same({}, w:processes())
  end)

  it("work with a secret or conflict markers does not land; the secret is in no log", function()
    w:config "attempts = 1"
    local key = "AKIA" .. "ABCDEFGHIJKLMNOP"
    local id = w:add "a thing"
    assert.equal(1, run("echo key = " .. key .. " >conf.txt; git add -A; git commit -q -m work").code)
    assert.matches("Verification 'secrets' failed.*conf.txt:1: AWS access key", w:task(id).reason)
    assert.is_false(w:exists "conf.txt")
    assert.equal(1, w:command({ "grep", "-rl", key, ".agentlua" }).code)
    local other = w:add "other"
    assert.equal(1, run([[printf '<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n' >file.txt]], "--task", other).code)
    assert.matches("file.txt:1: conflict markers", w:task(other).reason)
    w:config 'attempts = 1, verify = { { check = "secrets", required = false }, { check = "home_paths" } }'
    assert.equal(0, w:al("task", "reopen", id).code)
    assert.equal(0, run("true", "--task", id).code)
    assert.equal("done", w:task(id).status)
    local path = w:add "path"
    assert.equal(1, run("echo /home/anna/x >file.txt", "--task", path).code)
    assert.matches("home directory of 'anna'", w:task(path).reason)
  end)

  it("a program of the repository judges only as it is on the base", function()
    w:write("check.sh", "#!/bin/sh\ntest -f file.txt\n", 493)
    w:git("add", "-A")
    w:git("commit", "-q", "-m", "check")
    w:config [[attempts = 1, verify = { { argv = { "./check.sh" } } }]]
    local id = w:add "honest"
    assert.equal(0, run("echo x >file.txt").code)
    assert.equal("done", w:task(id).status)
    local sly = w:add "sly"
    assert.equal(1, run([[echo y >other.txt; printf '#!/bin/sh\ntouch "$MARK"\n' >check.sh]]).code)
    assert.matches("'./check.sh' is changed by this work", w:task(sly).reason, 1, true)
    assert.is_false(w:exists(w.env.MARK))
    assert.equal(0, w:al("land", sly).code) -- by a person, who has looked
    assert.is_true(w:exists(w.env.MARK))
  end)

  it("completion = explicit counts for every loop that executes, whatever its script says", function()
    w:config 'completion = "explicit", attempts = 1'
    local id = w:add "a thing"
    w:write("../loop.lua", [[
      local p = require("agentlua").project.open()
      return p:loop { from = { "todo" }, to = "in-progress", work = function(task, run)
        local tree <close> = p:worktree(task)
        local result = run:attempts { agent = p:agent(task), cwd = tree.path, prompt = "do it" }
        if result.ok and p:verify(task, tree) then return p:land(task, tree) end
        return p:give_up(task, tree, result)
      end }
    ]])
    assert.equal(1, w:al("run", w.top .. "/loop.lua", "--agent", w:shell_agent "echo x >file.txt").code)
    assert.matches("ended without saying that the task is done", w:task(id).reason)
  end)

  it("completion = explicit believes only agentlua task done", function()
    w:config 'completion = "explicit", attempts = 1'
    local id = w:add "a thing"
    assert.equal(1, run("echo x >file.txt").code)
    assert.matches("ended without saying that the task is done", w:task(id).reason)
    local other = w:add "other"
    local result = run('echo y >other.txt; agentlua task done "$AGENTLUA_TASK_ID"')
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(other).status)
  end)
end)
