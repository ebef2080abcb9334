local support = require "support"

describe("bad input", function()
  local w
  after_each(function() w:close() end)

  -- One paragraph on stderr, an exit code, and no traceback.
  local function says(result, code, ...)
    assert.equal(code, result.code, result.stdout .. result.stderr)
    for _, text in ipairs { ... } do
      assert.truthy(result.stderr:find(text, 1, true), "no '" .. text .. "' in: " .. result.stderr)
    end
    assert.falsy(result.stderr:find("traceback", 1, true), result.stderr)
    assert.falsy(result.stderr:find("\n\n", 1, true), result.stderr)
  end

  it("not a git repository, no commit, no .agentlua: exit 2", function()
    w = support.new { init = false }
    w:command { "mkdir", w.top .. "/plain", w.top .. "/unborn" }
    local plain = { cwd = w.top .. "/plain" }
    says(w:al("run", "execute.lua", plain), 2, "not in a git repository", "git init")
    says(w:al("init", { cwd = w.top .. "/plain" }), 2, "not in a git repository")
    says(w:al "status", 2, "no .agentlua", "agentlua init")
    w:command { "git", "init", "-q", cwd = w.top .. "/unborn" }
    assert.equal(0, w:al("init", { cwd = w.top .. "/unborn" }).code)
    says(w:al("run", "execute.lua", "--agent", "demo", { cwd = w.top .. "/unborn" }), 2, "no commit yet")
  end)

  it("unknown script, agent, task; ambiguous prefix: exit 2", function()
    w = support.new()
    says(w:al("run", "nosuch.lua"), 2, "unknown script 'nosuch.lua'")
    says(w:al("run", "execute.lua", "--agent", "nosuch"), 2, "unknown agent 'nosuch'")
    says(w:al("run", "execute.lua", "--agent", "./nosuch.sh"), 2, "./nosuch.sh")
    w:write("agent.sh", "#!/bin/sh\n")
    says(w:al("run", "execute.lua", "--agent", "./agent.sh"), 2, "not executable", "chmod +x")
    says(w:al("task", "show", "nosuch"), 2, "no task 'nosuch'")
    w:write("tasks.json", '[{"id":"abc-1","name":"x"},{"id":"abc-2","name":"y"}]')
    assert.equal(0, w:al("task", "import", "tasks.json").code)
    says(w:al("task", "show", "abc"), 2, "ambiguous", "abc-1", "abc-2")
    says(w:al("frobnicate"), 2, "unknown command")
    says(w:al("run", "execute.lua", "--frobnicate"), 2, "unknown option")
  end)

  it("an agent that is not on PATH: exit 2", function()
    w = support.new()
    w:write(".agentlua/agents/ghost.lua", 'return { argv = { "no-such-program" } }')
    says(w:al("run", "execute.lua", "--agent", "ghost"), 2, "no-such-program", "not on PATH")
  end)

  it("a script with a syntax error: exit 2 with file and line; one that raises: exit 1 with traceback", function()
    w = support.new()
    w:write("bad.lua", "local x =\nreturn x y\n")
    says(w:al("run", "./bad.lua"), 2, "bad.lua:2:")
    w:write("boom.lua", "local function f() error 'boom' end\nf()\n")
    local result = w:al("run", "./boom.lua")
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("boom.lua:1: boom", 1, true))
    assert.truthy(result.stderr:find("traceback", 1, true))
  end)

  it("a loop whose work function raises: exit 1 with traceback, and the task is put back", function()
    w = support.new()
    local id = w:add "a thing"
    w:write("loop.lua", [[
      local p = require "agentlua".project.open()
      return p:loop { from = "todo", to = "in-progress", work = function() error "oops" end }]])
    local result = w:al("run", "./loop.lua", "--agent", "demo")
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("oops", 1, true) and result.stderr:find("traceback", 1, true))
    assert.equal("todo", w:task(id).status)
  end)

  it("a task file that is not JSON is set aside: exit 4, the others go on", function()
    w = support.new()
    w:add "a thing"
    w:write(".agentlua/tasks/todo/broken.json", "{ not json")
    local result = w:run "edit"
    says(result, 4, "broken.json")
    assert.equal(1, w:count "done")
    assert.equal(0, w:count "todo")
    assert.equal(1, #w:events "quarantined")
  end)

  it("a dependency cycle: exit 3, named; tasks that wait for a person: exit 0", function()
    w = support.new()
    w:write("tasks.json", [[{"id":"a1","name":"one","dependencies":["b2"]}
      {"id":"b2","name":"two","dependencies":["a1"]}]])
    assert.equal(0, w:al("task", "import", "tasks.json").code)
    says(w:run "edit", 3, "'one' cannot run", "cycle")
    assert.equal(3, w:al("task", "next").code)
    assert.equal(0, w:al("task", "cancel", "a1", "b2").code)
    w:add "held"
    local id = w:add "other"
    w:al("task", "edit", id, "hold=true")
    assert.equal(0, w:run("edit").code)
    assert.equal("todo", w:task(id).status)
  end)

  it("an unknown configuration key: exit 2, naming the nearest", function()
    w = support.new()
    w:config "attemts = 2"
    says(w:run "edit", 2, "attemts", "'attempts'")
  end)

  it("a project of somebody else runs nothing before agentlua trust", function()
    w = support.new()
    w:write(".agentlua/config.lua", "return { jobs = 2 }")
    w:write(".agentlua/scripts/execute.lua", "io.open('" .. w.top .. "/planted', 'w'):close() return 0")
    w:git("add", "-A")
    w:git("commit", "-qm", "scripts")
    w:git("clone", "-q", w.root, w.top .. "/clone")
    local there = w.top .. "/clone"
    for _, words in ipairs { { "run", "execute.lua" }, { "status" }, { "task", "list" }, { "edit", "execute.lua" } } do
      local argv = table.move(words, 1, #words, 1, {})
      argv[#argv + 1] = { cwd = there }
      says(w:al(table.unpack(argv)), 2, "agentlua trust")
    end
    assert.falsy(w:exists(w.top .. "/planted"))
    assert.equal(0, w:al("trust", { cwd = there }).code)
    assert.equal(0, w:al("run", "execute.lua", { cwd = there }).code)
    assert.truthy(w:exists(w.top .. "/planted"))
  end)

  it("one line added by agentlua edit is what runs, without compiling", function()
    w = support.new()
    local path = w:al("edit", "execute.lua").stdout:gsub("\n$", "")
    local text = assert(w:read ".agentlua/scripts/execute.lua")
    assert.equal(w.root .. "/.agentlua/scripts/execute.lua", path)
    w:write(".agentlua/scripts/execute.lua", "print 'my own loop'\n" .. text)
    w:add "a thing"
    local result = w:run "edit"
    assert.equal(0, result.code)
    assert.truthy(result.stdout:find("my own loop", 1, true))
    assert.equal(1, w:count "done")
  end)

  it("hostile names stay text", function()
    w = support.new()
    local id = w:add "$(touch ../pwned) `id` ; rm -rf / \27[31m {{TASK_ID}}"
    w:add("--", "-rf")
    assert.equal(0, w:run("edit").code)
    assert.equal(2, w:count "done")
    assert.falsy(w:exists(w.top .. "/pwned"))
    local task = w:task(id)
    local prompt = w:read((".agentlua/runs/%s/%s/1.prompt.md"):format(task.attempts[1].run, task.id8))
    assert.truthy(prompt:find("{{TASK_ID}}", 1, true))
    assert.falsy(w:git("log", "-2", "--format=%s"):find "\27")
  end)
end)
