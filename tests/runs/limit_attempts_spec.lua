local al = require "agentlua"
local limits = require "limits"
local support = require "support"

describe("attempts", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Runs one task with agent "one" of that script; returns the task afterwards, what its attempts were, and the
  -- sessions that they went on with.
  local function run(script, options)
    limits.agent(w, "one", script, options)
    local id = w:add "a thing"
    local result = w:al("run", "execute.lua", "--agent", "one")
    local sessions = {}
    for i, one in ipairs(limits.starts(w)) do sessions[i] = one.session == "" and "-" or one.session end
    return w:task(id), limits.endings(w:task(id)), table.concat(sessions, " "), result
  end
  local begin = [[say '{"type":"session","id":"s'$AGENTLUA_ATTEMPT'"}'
    ]]
  local function result_of(ending)
    return ([[say '{"type":"result","ok":false,"ending":"%s"}'; exit 1]]):format(ending)
  end

  it("that use up their turns go on in their session and spend none, five times", function()
    w:config "attempts = 1"
    local task, endings, sessions = run(begin .. [[
      if [ "$started" -le 5 ]; then ]] .. result_of "max_turns" .. [[; fi
      work
    ]])
    assert.equal("done", task.status)
    assert.equal("max_turns max_turns max_turns max_turns max_turns done", endings)
    assert.equal("- s1 s2 s3 s4 s5", sessions)
    assert.truthy(limits.prompt(w, 2):find("the turns that you had were used up", 1, true))
  end)

  it("that only ever use up their turns fail in the end", function()
    w:config "attempts = 1"
    local task, endings = run(begin .. result_of "max_turns")
    assert.equal("failed", task.status)
    assert.equal(6, select(2, endings:gsub("max_turns", "")))
    assert.equal(2, w:worktrees())
  end)

  it("without sessions spend one when the turns are used up; the next is told so, with the whole prompt", function()
    w:config "attempts = 2"
    local task, endings = run([[
      if [ "$started" = 1 ]; then ]] .. result_of "max_turns" .. [[; fi
      work
    ]], { no_sessions = true })
    assert.same({ "done", "max_turns! done" }, { task.status, endings })
    local prompt = limits.prompt(w, 2)
    assert.truthy(prompt:find("You work alone in a git worktree", 1, true))
    assert.truthy(prompt:find("Attempt 1 did not succeed", 1, true))
  end)

  it("that do not pass verification go on in their session, told what failed", function()
    w:config [[verify = { { name = "twice", argv = { "sh", "-c", "cat new-*; test $(cat new-* | wc -l) = 2" } } }]]
    local task, endings, sessions = run(begin .. "work")
    assert.same({ "done", "done! done", "- s1" }, { task.status, endings, sessions })
    local prompt = limits.prompt(w, 2)
    assert.truthy(prompt:find("Verification 'twice' failed (exit code 1)", 1, true), prompt)
    assert.truthy(prompt:find("you said that you were done", 1, true))
  end)

  it("whose session is not known any more begin anew with the whole prompt, once, and spend none", function()
    w:config "attempts = 1"
    for ending, says in pairs {
      crash = "echo 'no such session' >&2", api_error = [[say '{"type":"error","code":"no_session","text":"?"}']],
    } do
      al.fs.remove(w.env.MARK)
      local task, endings, sessions = run(([[
        if [ -n "$1" ]; then %s; exit 1; fi
      ]]):format(says) .. begin .. [[
        if [ "$started" = 1 ]; then ]] .. result_of "max_turns" .. [[; fi
        work
      ]])
      assert.equal("done", task.status)
      assert.same({ "max_turns " .. ending .. " done", "- s1 -" }, { endings, sessions })
      assert.truthy(limits.prompt(w, 3):find("You work alone in a git worktree", 1, true))
    end
  end)

  it("that are limited again and again are handed to a person, also when their sessions are gone each time", function()
    w:config "limits = { repeats = 1, backoff = { base = 0.2 } }"
    local task, endings = run([[
      if [ -n "$1" ]; then echo 'no such session' >&2; exit 1; fi
    ]] .. begin .. [[say '{"type":"limit","text":"rate limit"}'; exit 1]])
    assert.same({ "needs-input", "limit crash limit" }, { task.status, endings })
  end)

  it("at a service that fails are made again after a pause and spend none, up to `repeats`", function()
    w:config "attempts = 1, limits = { repeats = 2, backoff = { base = 0.2 } }"
    local task, endings, sessions = run(begin .. [[
      if [ "$started" -le 2 ]; then say '{"type":"error","status":503,"text":"unavailable"}'; exit 1; fi
      work
    ]])
    assert.same({ "done", "api_error api_error done", "- s1 s2" }, { task.status, endings, sessions })
    task, endings = run [[say '{"type":"error","status":503,"text":"unavailable"}'; exit 1]]
    assert.same({ "failed", "api_error api_error api_error!" }, { task.status, endings })
    task, endings = run [[say '{"type":"error","status":400,"text":"bad"}'; exit 1]]
    assert.same({ "failed", "api_error!" }, { task.status, endings })
  end)

  it("of an agent that dies at once are not burned in a moment", function()
    w:config "attempts = 3"
    local task, endings = run "exit 9"
    assert.same({ "failed", "crash! crash! crash!" }, { task.status, endings })
    local starts = limits.starts(w)
    assert.truthy(starts[2].time - starts[1].time >= 0.5)
    assert.truthy(starts[3].time - starts[2].time >= 1)
  end)

  it("that take too long spend one, and the next goes on in the session", function()
    w:config "attempts = 2, timeouts = { wall = 4 }, stop_grace = 0.2"
    local task, endings, sessions = run(begin .. [[
      if [ "$started" = 1 ]; then sleep 100; fi
      work
    ]])
    assert.same({ "done", "timeout! done", "- s1" }, { task.status, endings, sessions })
  end)

  it("go on in their session after a stop and after a kill of the host; neither spends one", function()
    w:config "attempts = 1"
    limits.agent(w, "one", begin .. [[
      work
      if [ "$started" -le 2 ]; then sleep 100; fi
    ]])
    local id = w:add "a thing"
    for n = 1, 2 do
      local child = w:start("run", "execute.lua", "--agent", "one")
      support.eventually(function()
        local attempts = w:task(id).attempts or {}
        return attempts[n] and attempts[n].session ~= nil
      end, "the session is known")
      if n == 1 then child:stop() else w:kill(child) end
      child:wait()
    end
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal("done", w:task(id).status)
    local sessions = {}
    for i, one in ipairs(limits.starts(w)) do sessions[i] = one.session end
    assert.same({ "", "s1", "s2" }, sessions)
    assert.truthy(limits.prompt(w, 2):find("the work was stopped", 1, true))
    assert.truthy(limits.prompt(w, 3):find("the work was cut off", 1, true))
    for _, one in ipairs(w:task(id).attempts) do assert.is_nil(one.spent) end
  end)

  it("count anew when a person has reopened the task, and not when the host was started again", function()
    w:config "attempts = 2"
    limits.agent(w, "one", [[
      if [ "$started" = 2 ]; then touch "$MARK.second"; sleep 100; fi
      sleep 2.1; exit 3
    ]])
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", "one")
    support.eventually(function() return w:exists(w.env.MARK .. ".second") end, "the second one runs")
    child:stop()
    child:wait()
    assert.equal(1, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ "failed", "crash! stopped crash!" }, { w:task(id).status, limits.endings(w:task(id)) })
    assert.equal(0, w:al("task", "reopen", id).code)
    assert.equal(1, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal(5, #w:task(id).attempts)
  end)
end)
