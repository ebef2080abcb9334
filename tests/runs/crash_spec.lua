local al = require "agentlua"
local support = require "support"

describe("when the runner is killed", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function lines(path)
    local n = 0
    for _ in (al.fs.read(path) or ""):gmatch "\n" do n = n + 1 end
    return n
  end

  local function start_and_wait(agent)
    local child = w:start("run", "execute.lua", "--agent", w:agent(agent))
    support.eventually(function() return lines(w.env.MARK) > 0 end, "the agent starts")
    return child
  end

  it("in mid-task, nothing is left alive and the next run finishes the task once", function()
    local id = w:add "a thing"
    local child = start_and_wait "slow"
    w:kill(child)
    w:write("../mark.go", "")
    local commits = w:commits()
    local result = w:run "slow"
    assert.equal(0, result.code, result.stdout)
    assert.equal("done", w:task(id).status)
    assert.equal(commits + 1, w:commits())
    assert.equal("attempt 1\nattempt 2", w:git("show", "HEAD:new-" .. id .. ".txt"))
    assert.equal(1, w:worktrees())
  end)

  -- `where`: the method of the project in which it is killed, when the work has landed. A worktree that was
  -- being put away has lost its files by then.
  local function killed_after_landing(where)
    local id = w:add "a thing"
    w:write(".agentlua/scripts/die.lua", ("local where = %q\n"):format(where) .. [[
      local al = require "agentlua"
      local p = al.project.open()
      local method = p[where]
      p[where] = function(self, ...)
        if where == "event" and ... ~= "landed" then return method(self, ...) end
        if where == "put_away" then al.process.run { "rm", "-r", "--", (...).path } end
        io.stdout:write("landed\n") io.stdout:flush() while true do al.sleep(1) end
      end
      return p:loop { from = "todo", to = "in-progress", work = function(task, run)
        local tree <close> = p:worktree(task)
        run:attempts { agent = p:agent(task), cwd = tree.path, prompt = "x" }
        return p:land(task, tree)
      end }]])
    local commits = w:commits()
    local child = w:start("run", "die.lua", "--agent", w:agent "edit")
    for line in child:lines() do
      if line == "landed" then break end
    end
    w:kill(child)
    assert.equal(commits + 1, w:commits())
    assert.equal("in-progress", w:task(id).status)
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout)
    assert.equal("done", w:task(id).status)
    assert.equal(commits + 1, w:commits())
    assert.equal(1, w:worktrees())
    assert.equal("", w:git("for-each-ref", "refs/agentlua/pending", "refs/heads/task"))
    local landed = w:events "landed"
    assert.same({ 1, id, w:git("rev-parse", "HEAD") }, { #landed, landed[1].task, landed[1].commit })
  end
  it("between landing and done, the next run does not land it again", function() killed_after_landing "move" end)
  it("before the log says that it has landed, the next run says so", function() killed_after_landing "event" end)

  it("when git had removed the files of a worktree, the rest goes", function() killed_after_landing "put_away" end)

  -- Killed with the git that lands, whose locks stay; the next run meets them.
  local function killed_with_git()
    w:write("../bin/git", [[#!/bin/sh
      case " $* " in *" --ff-only "*)
        if mkdir "$MARK.died" 2>/dev/null; then
          for name in index HEAD ORIG_HEAD packed-refs refs/heads/main refs/heads/task/x; do
            touch ".git/$name.lock"
          done
          kill -9 $PPID; exit 1
        fi
      esac
      exec /usr/bin/git "$@"]], 493)
    w.env.PATH = w.top .. "/bin:" .. os.getenv "PATH"
    local id = w:add "a thing"
    w.users_act = true -- the branch is locked for a moment
    assert.equal(9, w:run("edit").signal)
    assert.is_true(w:exists ".git/index.lock")
    return id
  end

  it("together with the git that lands, its locks go and the work lands once", function()
    local commits = w:commits()
    local id = killed_with_git()
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout)
    assert.same({ "done", commits + 1, "" }, { w:task(id).status, w:commits(), w:git("status", "--porcelain") })
    assert.equal("", w:command({ "find", ".git", "-name", "*.lock", "!", "-name", "agentlua.lock" }).stdout)
  end)

  it("together with the git that lands, no lock goes while a git of the user's works there", function()
    local id = killed_with_git()
    local editing <close> = assert(al.process.spawn {
      "/usr/bin/git", "cat-file", "--batch", cwd = w.root, stdin_pipe = true, contain = false,
    })
    assert.equal(1, w:run("edit").code)
    assert.same({ "needs-review", true }, { w:task(id).status, w:exists ".git/index.lock" })
    editing:close_stdin()
    editing:wait()
  end)

  it("what it was writing goes with the first run that finds it old enough", function()
    w:add "a thing"
    local child = start_and_wait "slow"
    w:kill(child)
    local run = ".agentlua/runs/" .. w:events("run_started")[1].run .. "/"
    w:write(run .. ".tmp.1.1", "")
    w:write(run .. "task/.tmp.1.2", "")
    w:write("../mark.go", "")
    assert.equal(0, w:run("slow").code)
    assert.is_true(w:exists(run .. ".tmp.1.1")) -- too young: it may still be written
    w:command { "touch", "-d", "2020-01-01", run .. ".tmp.1.1", run .. "task/.tmp.1.2" }
    assert.equal(0, w:run("slow").code)
    assert.is_false(w:exists(run .. ".tmp.1.1") or w:exists(run .. "task/.tmp.1.2"))
  end)

  it("in a git of the agent's, the next attempt does not meet its locks", function()
    local agent = w:shell_agent [[
      if mkdir "$MARK" 2>/dev/null; then
        at=$(git rev-parse --git-dir)
        touch "$at/index.lock" "$at/HEAD.lock" "$AGENTLUA_ROOT/.git/$(git symbolic-ref HEAD).lock"
        mkdir "$MARK.ready"
        exec sleep 1000
      fi
      echo x >new.txt && git add new.txt && git commit -qm new]]
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", agent)
    support.eventually(function() return w:exists(w.env.MARK .. ".ready") end, "the agent has locks")
    w:kill(child)
    assert.equal(0, w:al("run", "execute.lua", "--agent", agent).code)
    local task = w:task(id)
    assert.same({ "done", 2 }, { task.status, #task.attempts })
  end)

  it("three times on one task, the task is failed as poison", function()
    local id = w:add "a thing"
    for _ = 1, 3 do
      al.fs.remove(w.env.MARK)
      local child = start_and_wait "slow"
      w:kill(child)
    end
    w:al("run", "execute.lua", "--agent", w:agent "slow")
    local task = w:task(id)
    assert.equal("failed", task.status)
    assert.truthy(task.reason:find("poison", 1, true))
    assert.truthy(al.fs.read(task.worktree.path .. "/new-" .. id .. ".txt"))
  end)
end)

describe("a stop", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function stopped_by(signal, agent)
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:agent(agent))
    support.eventually(function() return al.fs.read(w.env.MARK) end, "the agent starts")
    local begun = al.clock()
    w:command { "kill", "-" .. signal, tostring(child:pid()) }
    local result = child:wait()
    return id, result, al.clock() - begun
  end

  it("by Ctrl-C ends the agent, exits 130 and keeps the work for the next run", function()
    w:config "stop_grace = 60"
    local id, result, seconds = stopped_by("INT", "slow")
    assert.equal(130, result.code, result.stdout)
    assert.truthy(seconds < support.soon, seconds)
    assert.equal(0, #w:processes())
    local task = w:task(id)
    assert.equal("todo", task.status)
    assert.equal("stopped", task.attempts[1].ending)
    assert.equal("attempt 1\n", al.fs.read(task.worktree.path .. "/new-" .. id .. ".txt"))
    w:write("../mark.go", "")
    assert.equal(0, w:run("slow").code)
    assert.equal("attempt 1\nattempt 2", w:git("show", "HEAD:new-" .. id .. ".txt"))
  end)

  it("is over within a second, in one of five tries on a machine that may be busy", function()
    local tries = {}
    for i = 1, 5 do
      al.fs.remove(w.env.MARK)
      local id, _, seconds = stopped_by("INT", "slow")
      tries[i] = ("%.2f s"):format(seconds)
      if seconds < 1 then return end
      assert.equal(0, w:al("task", "cancel", id).code)
    end
    error(table.concat(tries, ", "))
  end)

  it("by TERM ends an agent that ignores it within the grace, and exits 143", function()
    w:config "stop_grace = 0.5"
    local _, result, seconds = stopped_by("TERM", "stubborn")
    assert.equal(143, result.code, result.stdout)
    assert.truthy(seconds >= 0.5 and seconds < 0.5 + support.soon, seconds)
  end)

  local slow_command = [[{ "sh", "-c", 'echo x >>"$MARK"; [ -e "$MARK.go" ] || exec sleep 1000' }]]

  it("ends the setup command of a worktree and the verify commands, which fails nothing", function()
    for _, config in ipairs { "setup = " .. slow_command, "verify = { { argv = " .. slow_command .. " } }" } do
      al.fs.remove(w.env.MARK)
      al.fs.remove(w.env.MARK .. ".go")
      w:config("stop_grace = 60, " .. config)
      local id, result, seconds = stopped_by("INT", "edit")
      assert.same({ 130, 0 }, { result.code, #w:processes() }, result.stdout)
      assert.truthy(seconds < support.soon, seconds)
      assert.equal("todo", w:task(id).status)
      al.fs.remove(w.env.MARK)
      local child = w:start("run", "execute.lua", "--agent", w:agent "edit")
      support.eventually(function() return al.fs.read(w.env.MARK) end, "the command starts")
      assert.equal(0, w:al("stop", id).code)
      assert.equal(0, child:wait().code)
      assert.same({ "todo", true }, { w:task(id).status, w:task(id).hold })
      assert.equal(0, w:al("resume", id).code)
      w:write("../mark.go", "")
      assert.equal(0, w:run("edit").code)
      local task = w:task(id)
      assert.same({ "done", 1 }, { task.status, w:worktrees() })
      for _, attempt in ipairs(task.attempts) do assert.is_nil(attempt.spent) end
    end
  end)

  it("while what has landed meanwhile is verified with the work fails nothing", function()
    w:write("../verify.sh", [[echo x >>"$MARK"
      case $(grep -c . "$MARK") in
        1) cd "$AGENTLUA_ROOT" && sed -i "1s/.*/first/" src/f5.txt && git commit -qam user ;;
        2) exec sleep 1000 ;;
      esac]])
    w:config(('verify = { { argv = { "sh", %q } } }'):format(w.top .. "/verify.sh"))
    local agent = w:shell_agent "sed -i '20s/.*/last/' src/f5.txt"
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", agent)
    support.eventually(function() return al.fs.read(w.env.MARK) == "x\nx\n" end, "it is verified again")
    w:command { "kill", "-INT", tostring(child:pid()) }
    local result = child:wait()
    assert.equal(130, result.code, result.stdout)
    assert.equal("todo", w:task(id).status)
    assert.equal(0, w:al("run", "execute.lua", "--agent", agent).code)
    assert.equal("done", w:task(id).status)
    assert.truthy(w:read("src/f5.txt"):find "^first\n.*\nlast\n$")
  end)

  it("by a second signal is at once", function()
    w:config "stop_grace = 60"
    w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:agent "stubborn")
    support.eventually(function() return al.fs.read(w.env.MARK) end, "the agent starts")
    w:command { "kill", "-INT", tostring(child:pid()) }
    for line in child:lines() do
      if line:find("once more", 1, true) then break end
    end
    local begun = al.clock()
    w:command { "kill", "-INT", tostring(child:pid()) }
    assert.equal(130, child:wait().code)
    assert.truthy(al.clock() - begun < support.soon)
  end)

  it("a script that does not yield is named after 5 s, and a second signal ends it", function()
    w:write("endless.lua", "local al = require 'agentlua'\n"
      .. "al.on('TERM', function() end, true)\nio.stderr:write('ready\\n')\nwhile true do end\n")
    local child = w:start("run", w.root .. "/endless.lua")
    local lines = child:lines()
    assert.equal("ready", lines())
    local said = lines()
    assert.matches("^agentlua: fiber .*endless.lua:0 has not yielded for 5 s", said)
    w:command { "kill", "-TERM", tostring(child:pid()) }
    support.eventually(function() -- the first is caught
      return not (al.fs.read("/proc/" .. child:pid() .. "/status") or ""):find("ShdPnd:\t0*[1-9a-f]")
    end, "the signal is seen")
    w:command { "kill", "-TERM", tostring(child:pid()) }
    assert.equal(15, child:wait().signal)
  end)

  it("by agentlua stop ends a run with exit 0; of one task, holds it until resume", function()
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:agent "slow")
    support.eventually(function() return al.fs.read(w.env.MARK) end, "the agent starts")
    assert.equal(0, w:al("stop", id).code)
    assert.equal(0, child:wait().code)
    assert.equal("todo", w:task(id).status)
    assert.equal(true, w:task(id).hold)
    w:write("../mark.go", "")
    assert.equal(0, w:run("slow").code)
    assert.equal("todo", w:task(id).status)
    assert.equal(0, w:al("resume", id).code)
    assert.equal(0, w:run("slow").code)
    assert.equal("done", w:task(id).status)
  end)
end)

describe("two runners on one store", function()
  it("land each of 20 tasks exactly once", function()
    local w = support.new()
    for i = 1, 20 do w:add("task " .. i) end
    local commits = w:commits()
    local a = w:start("run", "execute.lua", "--agent", w:agent "edit")
    local b = w:start("run", "execute.lua", "--agent", w:agent "edit")
    local first, second = a:wait(), b:wait()
    assert.equal(0, first.code, first.stdout)
    assert.equal(0, second.code, second.stdout)
    assert.equal(20, w:count "done")
    assert.equal(commits + 20, w:commits())
    assert.equal(1, w:worktrees())
    assert.equal(20, #w:events "landed")
    w:close()
  end)
end)
