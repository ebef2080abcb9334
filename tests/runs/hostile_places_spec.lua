local al = require "agentlua"
local names = require "hostile_names"
local support = require "support"

describe("hostile text", function()
  local w
  after_each(function()
    names.sound(w)
    w:close()
  end)

  it("as base branch is refused before a task is claimed", function()
    w = names.world()
    w:add "a thing"
    names.changes_nothing(w, function()
      for _, text in ipairs(names.texts) do
        names.refused(names.run(w, "--base=" .. text), 2, "base branch '" .. names.shown(text), "does not exist")
      end
    end)
  end)

  it("as base branch: the error names the nearest branch", function()
    w = names.world()
    w:git("branch", "develop")
    names.refused(names.run(w, "--base=devlop"), 2, "base branch 'devlop' does not exist", "'develop'")
  end)

  it("as directory of -C is refused, or is a directory", function()
    w = names.world()
    local there = { ["."] = true, [".."] = true, [".git"] = true }
    names.changes_nothing(w, function()
      for _, text in ipairs(names.texts) do
        local result = w:al("-C", text, "status")
        if there[text] then
          assert.equal(text == "." and 0 or 2, names.quiet(result).code)
        else
          names.refused(result, 2, "cannot change to directory '" .. names.shown(text))
        end
      end
    end)
  end)

  it("as task directory is a directory of that name, where tasks run as in any other", function()
    w = names.world()
    w.users_act = true -- tasks lie in the checkout
    for _, text in ipairs { "-rf", "$(touch CANARY)", "a b", "a\nb", "\27[31mred", "bad\xffbyte", "%s%n", "{id}" } do
      local option = "--tasks=" .. text
      local id = w:add("a thing", option)
      names.quiet(w:al("task", "show", id, option))
      local result = names.quiet(names.run(w, option))
      assert.equal(0, result.code, result.stderr)
      assert.equal("done", al.json.parse(w:al("task", "show", id, option, "--json").stdout).status)
    end
    for _, text in ipairs { "/etc/passwd", "src/f1.txt", "src/f1.txt/x", "/proc/none", ("long/"):rep(2000) } do
      names.changes_nothing(w, function()
        names.refused(w:al("task", "add", "x", "--tasks=" .. text), 2, "cannot make directory", text:sub(1, 20))
        names.refused(w:al("task", "list", "--tasks=" .. text), 2, "no task directory '" .. text:sub(1, 20))
      end)
    end
  end)

  it("as task directory that is not there is refused by a command that only reads", function()
    w = names.world()
    for _, text in ipairs { "", ".git", "..", "../x", "$(touch CANARY)", ".agentlua/task" } do
      names.changes_nothing(w, function()
        for _, command in ipairs { "list", "next" } do
          names.refused(w:al("task", command, "--tasks=" .. text), 2, "'" .. text .. "'")
        end
      end)
      assert.falsy(w:exists(text .. "/todo"))
    end
    for _, text in ipairs { "", ".", ".git", ".git/x", "..", "/" } do
      names.changes_nothing(w, function()
        names.refused(w:al("task", "add", "x", "--tasks=" .. text), 2, "task directory '" .. text .. "' is")
        names.refused(names.run(w, "--tasks=" .. text), 2, "task directory '" .. text .. "' is")
      end)
    end
  end)

  -- A pattern that git takes gives a branch of a name that is free; one that it refuses leaves nothing.
  it("as branch pattern makes a free branch, or leaves neither branch nor worktree", function()
    w = names.world()
    for _, pattern in ipairs { "main", "{slug}", "task/{id8}/x", "work/{slug}-{id8}" } do
      w:config("branch = " .. ("%q"):format(pattern))
      w:add "a thing"
      names.all_land(w)
    end
    for _, pattern in ipairs {
      "../{id8}", "task/..", "main/{id8}", "HEAD", "@{-1}", "x.lock", "a b", "a\nb", "\27[31m", "$(touch CANARY)", "",
      "-{id8}", ("x"):rep(300),
    } do
      w:config("branch = " .. ("%q"):format(pattern))
      local id = w:add "a thing"
      local result = names.quiet(names.run(w))
      local said = result.stdout .. result.stderr
      assert.truthy(result.code == 1 and w:task(id).status == "failed" or result.code == 2, said)
      assert.truthy(said:find(result.code == 1 and "cannot make a worktree at '" or "branch", 1, true), said)
      assert.equal(1, w:worktrees())
      assert.equal("main", w:git("branch", "--format=%(refname:short)"))
    end
  end)

  it("as branch pattern that makes no branch name is refused before a task is claimed", function()
    w = names.world()
    w:add "../x"
    for _, pattern in ipairs {
      "../{id8}", "task/..", "main/{id8}", "HEAD", "x.lock", "a b", "\27[31m", "", "-{id8}", "refs/heads/main",
      "task/{id8}" .. names.nul, "{name}", "task/{nosuch}",
    } do
      w:write(".agentlua/config.lua", "return { branch = " .. ("%q"):format(pattern) .. " }\n")
      names.changes_nothing(w, function() names.refused(names.run(w), 2, "branch", ".agentlua/config.lua") end)
    end
  end)

  it("in the name of the repository stays text", function()
    w = names.world { dir = "$(touch CANARY) 'x\"" }
    w:add "a thing"
    names.all_land(w)
    names.look(w)
  end)

  it("as name of a script, or of the repository, does nothing to a terminal", function()
    w = names.world { dir = "re\27]0;title\7po" }
    w:write("loop\27[31m.lua", "require('agentlua').project.open():loop { from = 'todo', to = 'in-progress' }")
    assert.equal(0, w:al("run", "./loop\27[31m.lua", "--agent=demo").code)
    for _, command in ipairs { "status", "init", "paths", "doctor", "fsck", "trust", "log" } do
      names.quiet(w:al(command))
    end
  end)

  it("in the name of the repository may not be a line break, which git's own files cannot hold", function()
    w = names.world { dir = "a\nb", init = false }
    names.refused(w:al "init", 2, "has a newline in its path; move it")
    assert.falsy(w:exists ".agentlua")
  end)
end)

describe("where nothing can be done,", function()
  local w
  after_each(function()
    names.sound(w)
    w:close()
  end)

  -- Makes the task directory one that we may only read; returns a function that runs agentlua there.
  -- root may write everywhere, so it becomes somebody else.
  local function read_only()
    local root = w:command({ "id", "-u" }).stdout == "0\n"
    if root then
      w:command { "chown", "-R", "65534:65534", w.top }
      w:command { "chown", "-R", "0:0", w.root .. "/.agentlua/tasks" }
    else
      w:command { "chmod", "-R", "a-w", w.root .. "/.agentlua/tasks" }
    end
    local user = root and { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups" } or {}
    return function(...)
      local argv = table.move(user, 1, #user, 1, {})
      argv[#argv + 1] = support.host
      return w:command(table.move({ ... }, 1, select("#", ...), #argv + 1, argv))
    end
  end

  local function writable_again()
    if w:command({ "id", "-u" }).stdout == "0\n" then return w:command { "chown", "-R", "0:0", w.top } end
    w:command { "chmod", "-R", "u+w", w.root .. "/.agentlua/tasks" }
  end

  it("in a directory that cannot be written can be read, and a change says why not", function()
    w = names.world()
    w:add "one"
    local agentlua = read_only()
    if agentlua("version").code ~= 0 then return pending "nobody else may run this build" end
    assert.equal(0, agentlua("task", "list").code)
    for _, words in ipairs { { "add", "two" }, { "edit", "one", "name=x" }, { "done", "one" }, { "cancel", "one" } } do
      names.refused(agentlua("task", table.unpack(words)), 2, "cannot write", ".agentlua/tasks", "Permission denied")
    end
    writable_again()
    assert.equal("one", w:task("one").name)
    assert.equal(1, w:count "todo")
  end)

  it("in a directory that cannot be written: a run and an import say why not, and exit 2", function()
    w = names.world()
    w:add "one"
    w:write("in.json", '[{"name":"two"}]')
    local agentlua = read_only()
    local run, import = agentlua("run", "execute.lua", "--agent=demo"), agentlua("task", "import", "in.json")
    writable_again()
    names.refused(run, 2, "cannot write", ".agentlua/tasks", "Permission denied")
    names.refused(import, 2, "cannot write", ".agentlua/tasks", "Permission denied")
  end)

  it("is no help without a repository, a commit, or the base branch: exit 2 and what to do", function()
    w = names.world()
    local tip = w:git("rev-parse", "HEAD")
    w:command { "git", "clone", "-q", "--bare", w.root, w.top .. "/bare.git" }
    w:command { "git", "init", "-q", "-b", "main", w.top .. "/unborn" }
    local function run(dir, base)
      return w:al("run", "execute.lua", "--agent=demo", "--base=" .. (base or "main"), { cwd = w.top .. dir })
    end
    names.refused(run "/home", 2, "'" .. w.top .. "/home' is not in a git repository", "git init makes one")
    names.refused(run "/bare.git", 2, "no .agentlua in '" .. w.top .. "/bare.git'", "agentlua init makes one")
    assert.equal(0, w:al("init", { cwd = w.top .. "/unborn" }).code)
    names.refused(run "/unborn", 2, "has no commit yet", "make the first commit")
    names.refused(run("/repo", "devlop"), 2, "base branch 'devlop' does not exist")
    assert.equal(tip, w:git("rev-parse", "HEAD"))
  end)
end)
