local al = require "agentlua"
local support = require "support"

describe("a task of type", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Puts a program on the base.
  local function program(path, lines)
    w:write(path, "#!/bin/sh\n" .. lines .. "\n", 493)
    w:git("add", path)
    w:git("commit", "-qm", "program")
  end
  local function run(...) return w:al("run", "execute.lua", "--agent", w:agent "nothing", ...) end
  -- Runs all there is and expects one task to have failed; returns its reason.
  local function failed(id)
    local result = run()
    assert.equal(1, result.code, result.stdout .. result.stderr)
    assert.equal("failed", w:task(id).status)
    return w:task(id).reason
  end
  local function done(id)
    local result = run()
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    return w:task(id)
  end

  it("script runs as it is on the base, in a worktree, and lands what it has made", function()
    program("tools/make.sh", 'echo "made for $AGENTLUA_TASK_ID" >made.txt; echo said; pwd >&2')
    local id = w:add("make it", "--script", "tools/make.sh")
    w:write("tools/make.sh", "#!/bin/sh\nexit 9\n", 493) -- what the user has not committed does not count
    local task = done(id)
    assert.equal("made for " .. id, w:git("show", "HEAD:made.txt"))
    assert.equal("script", task.type)
    assert.same({ "script", "done" }, { task.attempts[1].phase, task.attempts[1].ending })
    local files = (".agentlua/runs/%s/%s/1."):format(task.attempts[1].run, task.id8)
    assert.equal("said\n", w:read(files .. "stream.jsonl"))
    assert.truthy(w:read(files .. "stderr"):find(w.root .. ".worktrees/", 1, true))
    assert.equal(1, w:worktrees())
  end)

  it("script fails with the exit code and the last words of its program, and its work is kept", function()
    program("s.sh", "echo x >half.txt; echo no such thing >&2; exit 3")
    local id = w:add("try", "--script", "s.sh")
    assert.matches("'s.sh' failed with exit code 3: no such thing. The work is in", failed(id))
    assert.equal("x\n", al.fs.read(w:task(id).worktree.path .. "/half.txt"))
    assert.equal(1, #w:task(id).attempts)
  end)

  it("script is ended when its time is up", function()
    program("s.sh", "sleep 100")
    assert.matches("'s.sh' was ended: its", failed(w:add("wait", "--script", "s.sh", "--timeout", "1")))
  end)

  it("script that is not there, leads out, cannot be run or was changed by the work is refused", function()
    w:write("loose.sh", "#!/bin/sh\n", 493)
    assert.matches("commit it to the base", failed(w:add("a", "--script", "loose.sh")))
    assert.matches("is not a file", failed(w:add("b", "--script", "../../bin/true")))
    program("plain.sh", "true")
    w:command { "chmod", "-x", w.root .. "/plain.sh" }
    w:git("commit", "-qam", "mode")
    assert.matches("is not executable", failed(w:add("c", "--script", "plain.sh")))
    program("self.sh", "echo '#!/bin/sh' >self.sh; exit 1")
    local id = w:add("d", "--script", "self.sh")
    failed(id)
    assert.equal(0, w:al("task", "reopen", id).code)
    assert.matches("is not as it is on 'main'", failed(id))
  end)

  it("script with skip_worktree runs in the main checkout, and nothing is landed", function()
    w.users_act = true
    program("s.sh", 'cat loose.txt >seen.txt')
    w:write("loose.txt", "loose\n")
    local commits = w:commits()
    done(w:add("here", "--script", "s.sh", "--skip-worktree"))
    assert.equal("loose\n", w:read "seen.txt")
    assert.equal(commits, w:commits())
    assert.equal(1, w:worktrees())
  end)

  it("script with skip_worktree does not run what is in a worktree below the project", function()
    w.users_act = true -- worktrees come in the main checkout
    w:config [[worktrees = "trees", attempts = 1]]
    w:write(".gitignore", "*.env\ntrees/\n")
    local other = w:add "other"
    assert.equal(1, w:run_lines('echo "touch $MARK" >evil.sh\nchmod +x evil.sh\nexit 1').code)
    local path = w:task(other).worktree.path:sub(#w.root + 2) .. "/evil.sh"
    assert.is_true(w:exists(path))
    for _, option in ipairs { "--script", "--post-script" } do
      local id = w:add("x", option, path, "--skip-worktree", option == "--script" and "--optional" or "--type=barrier")
      assert.equal(1, run("--task", id).code)
    end
    assert.is_false(w:exists(w.env.MARK))
  end)

  it("script is verified before it lands, and may change nothing", function()
    w:config [[verify = { { name = "clean", argv = { "test", "!", "-e", "bad.txt" } } }]]
    program("good.sh", "true")
    program("bad.sh", "echo x >bad.txt")
    local commits = w:commits()
    done(w:add("good", "--script", "good.sh"))
    assert.matches("'clean' failed", failed(w:add("bad", "--script", "bad.sh")))
    assert.equal(commits, w:commits())
  end)

  it("task_gen adds the tasks that it prints, and those that it adds itself, once", function()
    program("gen.sh", [[agentlua task add "by hand" --type barrier >&2
      echo "{\"name\": \"one\", \"type\": \"barrier\", \"dependencies\": [\"$AGENTLUA_TASK_ID\"]}"
      echo '{"name": "two", "type": "barrier", "dependencies": ["one"]}']])
    local id = w:add("generate", "--type", "task_gen", "--script", "gen.sh", "--workflow", "ship")
    done(id)
    assert.equal(4, w:count "done")
    local tasks = al.json.parse(w:al("task", "list", "--json").stdout)
    local names = {}
    for _, task in ipairs(tasks) do names[task.name] = task.workflow or "" end
    assert.same({ generate = "ship", one = "ship", two = "ship", ["by hand"] = "" }, names)
  end)

  it("task_gen that prints something else than tasks fails with what is wrong", function()
    program("gen.sh", [[echo '[{"name": "ok"}, {"name": ""}]']])
    local id = w:add("generate", "--type", "task_gen", "--script", "gen.sh")
    assert.matches("task 2 of the output of 'generate' has no \"name\"", failed(id))
    assert.equal(0, w:count "todo")
  end)

  it("prompt_template tells the agent its own template, with the names of the task", function()
    w:write("docs/ask.md", "Only {{TASK_NAME}}, please.\n")
    w:write("../agent.sh", "#!/bin/sh\ncat >told.txt\n", 493)
    w:add("Rename $1 {{TASK_ID}}", "--prompt", "docs/ask.md")
    local result = w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("Only Rename $1 {{TASK_ID}}, please.", w:git("show", "HEAD:told.txt"))
  end)

  it("task_gen that names a prompt is done by an agent, from the directory of its workflow", function()
    w:write("flows/recipes/prompts/plan.md", "Plan {{TASK_NAME}}\n")
    w:write("flows/workflow.json", [[{"name": "ship", "tasks": [
      {"name": "Plan it", "type": "task_gen", "workflow": "plan.md"}]}]])
    assert.equal(0, w:al("task", "import", "flows/workflow.json").code)
    w:write("../agent.sh", "#!/bin/sh\ncat >told.txt\n", 493)
    local result = w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("Plan Plan it", w:git("show", "HEAD:told.txt"))
  end)

  it("prompt_template without its template fails and says so", function()
    assert.matches("'gone.md' is not a file of the project", failed(w:add("a", "--prompt", "gone.md")))
  end)

  it("barrier is done when what it depends on is, without worktree and commit", function()
    local commits = w:commits()
    local a = w:add("a", "--type", "barrier")
    local b = w:add("b", "--type", "barrier", "--depends", a)
    assert.equal(0, run().code)
    assert.same({ "done", "done" }, { w:task(a).status, w:task(b).status })
    assert.is_nil(w:task(b).attempts)
    assert.equal(commits, w:commits())
  end)

  it("mcp calls a tool, with the task as its own", function()
    local id = w:add("a", "--type", "mcp", "--mcp-tool", "plan_create")
    assert.equal(0, w:al("task", "edit", id, 'mcp_args={"content":"# Plan"}').code)
    assert.equal(0, run().code)
    assert.equal("done", w:task(id).status)
    assert.equal("# Plan", w:al("task", "plan", id).stdout)
    w:write("tools.lua", "mcp.tool { name = 'broken', run = function() return nil, 'no luck' end }")
    w:config [[ mcp = { tools = { "tools.lua" } } ]]
    assert.matches("no luck", failed(w:add("b", "--type", "mcp", "--mcp-tool", "broken")))
  end)

  it("mcp with a tool that is not there, and a type that nobody knows, fail with a sentence", function()
    assert.matches("there is no tool 'nosuch'", failed(w:add("a", "--type", "mcp", "--mcp-tool", "nosuch")))
    local id = w:add "b"
    assert.equal(0, w:al("task", "edit", id, "type=magic").code)
    assert.matches("no type 'magic' of task; there are: prompt prompt_template script mcp task_gen barrier", failed(id))
  end)

  it("script or mcp needs to name what it does", function()
    local result = w:al("task", "add", "x", "--type", "script")
    assert.equal(2, result.code)
    assert.matches("needs script_path %(%-%-script%)", result.stderr)
    assert.equal(2, w:al("task", "add", "x", "--type", "mcp").code)
  end)
end)

describe("a task with", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("working_dir is worked on there; one that leads out is refused", function()
    local id = w:add("in", "--working-dir", "src")
    local result = w:run_lines "echo x >here.txt"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("x", w:git("show", "HEAD:src/here.txt"))
    for _, dir in ipairs { "../..", "/tmp", "src/f1.txt", "link" } do
      w:command { "ln", "-sfn", "/tmp", w.root .. "/link" }
      w:git("add", "-A")
      w:git("commit", "-q", "--allow-empty", "-m", "link")
      local out = w:add("out", "--working-dir", dir)
      assert.equal(1, w:run_lines("echo x >here.txt").code)
      assert.matches("is not a directory below", w:task(out).reason)
    end
  end)

  it("post_script: it runs in the main checkout once the work is landed", function()
    w:write("post.sh", '#!/bin/sh\npwd >"$MARK"\ngit log -1 --format=%s >>"$MARK"\n', 493)
    w:add("a thing", "--post-script", "post.sh")
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.matches("^" .. w.root:gsub("%p", "%%%0") .. "\nfeat: a thing", al.fs.read(w.env.MARK))
  end)

  it("post_script that fails leaves the task done and the run with exit code 1", function()
    w:write("post.sh", "#!/bin/sh\necho no network\nexit 4\n", 493)
    local id = w:add("a thing", "--post-script", "post.sh")
    local result = w:run "edit"
    assert.equal(1, result.code)
    assert.equal("done", w:task(id).status)
    assert.matches("post%.sh' failed with exit code 4: no network", w:events("post_script_failed")[1].reason)
  end)

  it("post_script that the work has changed itself is not run", function()
    w:write("post.sh", "#!/bin/sh\n", 493)
    w:git("add", "post.sh")
    w:git("commit", "-qm", "post")
    w:add("a thing", "--post-script", "post.sh")
    assert.equal(1, w:run_lines('echo "touch $MARK" >>post.sh').code)
    assert.is_false(w:exists(w.env.MARK))
    assert.matches("changed by this work", w:events("post_script_failed")[1].reason)
  end)
end)
