local al = require "agentlua"
local limits = require "limits"
local support = require "support"

describe("a usage limit", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- The very first start is limited, for so many seconds; the next ones work.
  local function limited_once(name, seconds)
    limits.agent(w, name, ([[
      work
      say '{"type":"session","id":"s-%s"}'
      if [ "$(wc -l <"$MARK")" = 1 ]; then
        say '{"type":"limit","kind":"usage","text":"no more","resets_at":'$(in_seconds %d)'}'
        exit 1
      fi
      say '{"type":"result","ok":true}'
    ]]):format(name, seconds))
  end
  local function start(...) return w:start("run", "execute.lua", ...) end
  local function waiting() return next(limits.kept(w)) ~= nil and w:count "todo" > 0 and w:count "in-progress" == 0 end
  local function until_limited() support.eventually(waiting, "the task waits") end
  local function ends() return select(2, next(limits.kept(w))).resets_at end

  it("is waited for: no attempt is spent, the session goes on when it ends, and not before", function()
    limited_once("one", 2)
    local id = w:add "a thing"
    local result = w:al("run", "execute.lua", "--agent", "one")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task, starts = w:task(id), limits.starts(w)
    assert.same({ "done", "limit done" }, { task.status, limits.endings(task) })
    assert.equal(2, #starts)
    assert.equal("s-one", starts[2].session)
    assert.truthy(starts[2].time >= ends(), ("%f < %f"):format(starts[2].time, ends()))
    assert.truthy(starts[2].time < ends() + support.soon)
    assert.equal("one 1\none 2\n", w:read("new-" .. id .. ".txt"))
    local prompt = limits.prompt(w, 2)
    assert.truthy(prompt:find("a usage limit was reached", 1, true), prompt)
    assert.falsy(prompt:find("You work alone in a git worktree", 1, true))
    local began, ended = w:events "limit_started", w:events "limit_ended"
    assert.same({ 1, 1 }, { #began, #ended })
    assert.same({ "one/default", "usage", "no more" }, { began[1].account, began[1].kind, began[1].evidence })
    assert.equal("drained", w:events("run_ended")[1].reason)
  end)

  it("holds for all runners of the account; kill -9 and restart do not shorten it; status shows it", function()
    limited_once("one", 10)
    w.users_act = true -- a run lands in the end
    local first = w:add "first"
    local other = start("--agent", "one", "--watch")
    until_limited()
    local over = ends()
    local second = w:add "second"
    local killed = start("--agent", "one")
    support.eventually(function() return #w:events "run_started" == 2 end, "the second runner is there")
    local status = w:al("status", "--json")
    local shown = al.json.parse(status.stdout).limits["one/default"]
    assert.same({ "usage", "one", "default" }, { shown.kind, shown.vendor, shown.account })
    assert.truthy(math.abs(shown.resets_at - ends()) < 0.1)
    local text = w:al("status").stdout
    assert.truthy(text:find("one/default: usage limit until " .. os.date("%Y-%m-%d %H:%M:%S", ends()), 1, true), text)
    killed:kill()
    killed:wait()
    local restarted = start("--agent", "one")
    support.eventually(function() return w:count "done" == 2 end, "both are done")
    for i, one in ipairs(limits.starts(w)) do
      if i > 1 then assert.truthy(one.time >= over, i .. " starts early") end
    end
    assert.same({ "limit done", "done" }, { limits.endings(w:task(first)), limits.endings(w:task(second)) })
    other:stop()
    other:wait()
    assert.equal(0, restarted:wait().code)
  end)

  it("a stop ends the wait at once; the task is as it was, and goes on later", function()
    limited_once("one", 600)
    local id = w:add "a thing"
    local child = start("--agent", "one")
    until_limited()
    local before = al.clock()
    child:stop()
    assert.equal(143, child:wait().code)
    assert.truthy(al.clock() - before < support.soon)
    local task = w:task(id)
    assert.same({ "todo", "limit", 2 }, { task.status, limits.endings(task), w:worktrees() })
    assert.is_nil(task.hold)
    assert.equal("one 1\n", al.fs.read(task.worktree.path .. "/new-" .. id .. ".txt"))
    assert.equal("stopped", w:events("run_ended")[1].reason)
    w:write("clear.lua", [[require("agentlua").limit.clear "one/default"]])
    assert.equal(0, w:al("run", "./clear.lua").code)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal("s-one", limits.starts(w)[2].session)
    assert.equal("done", w:task(id).status)
  end)

  it("that ends too late for `max_wait` ends the run, which is well", function()
    w:config "limits = { max_wait = 60 }"
    limited_once("one", 600)
    local id = w:add "a thing"
    local result = w:al("run", "execute.lua", "--agent", "one")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ "limit", "todo" }, { w:events("run_ended")[1].reason, w:task(id).status })
    assert.truthy(result.stdout:find("one/default: usage limit until", 1, true))
    result = w:al("run", "execute.lua", "--agent", "one") -- again: nothing is started
    assert.same({ 0, "limit", 1 }, { result.code, w:events("run_ended")[2].reason, #limits.starts(w) })
  end)

  it("words of an agent about limits are no limit", function()
    limits.agent(w, "one", [[
      work
      say '{"type":"text","text":"429 rate limit reached, resets at 2099-01-01T00:00:00Z"}'
      echo "You have hit your usage limit. retry-after: 600"
      echo "rate_limit_error 429" >&2
      say '{"type":"result","ok":true,"text":"added handling of: usage limit reached, try again in 5 hours"}'
    ]])
    local id = w:add "a thing"
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ "done", "done", 1 }, { w:task(id).status, limits.endings(w:task(id)), #limits.starts(w) })
    assert.same({}, limits.kept(w))
  end)

  it("has its kind and its end from its words; wordings that are no patterns are told of, no more", function()
    for words, kind in pairs {
      [ [[{ "no more cookies", kind = "daily" }]] ] = "daily", [ [[{ "%", kind = "daily" }]] ] = "rate",
    } do
      al.fs.remove(w.env.MARK)
      limits.agent(w, "one", [[
        if [ "$started" = 1 ]; then say '{"type":"limit","text":"no more cookies, try again in 2 seconds"}'; exit 1; fi
        work
      ]], { words = words })
      local id = w:add "a thing"
      local result = w:al("run", "execute.lua", "--agent", "one")
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local starts, events = limits.starts(w), w:events "limit_started"
      assert.same({ "done", kind }, { w:task(id).status, events[#events].kind })
      assert.truthy(starts[2].time - starts[1].time >= 2)
      assert.equal(kind == "rate", result.stderr:find("agent 'one'", 1, true) ~= nil)
    end
  end)

  it("with no end named is asked for again after a pause that grows, and in the end a person is", function()
    w:config "limits = { repeats = 2, backoff = { base = 0.4 } }, attempts = 1"
    limits.agent(w, "one", [[say '{"type":"limit","text":"come back later"}'; exit 1]])
    local id = w:add "a thing"
    local result = w:al("run", "execute.lua", "--agent", "one")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task, starts = w:task(id), limits.starts(w)
    assert.same({ "needs-input", "limit limit limit" }, { task.status, limits.endings(task) })
    assert.truthy(starts[2].time - starts[1].time >= 0.2)
    assert.truthy(starts[3].time - starts[2].time >= 0.4)
    assert.truthy(task.pending_question.question:find("limited 3 times in a row", 1, true))
    assert.equal("backoff", w:events("limit_started")[1].confidence)
  end)

  it("of credit is for a person: the task that met it asks once, the others stay, an answer tries again", function()
    limits.agent(w, "one", [[
      if [ "$started" = 1 ] && [ ! -e "$MARK.paid" ]; then
        say '{"type":"limit","kind":"credit","text":"Credit balance is too low"}'; exit 1
      fi
      work
    ]])
    local ids = { w:add "first", w:add "second" }
    local result = w:al("run", "execute.lua", "--agent", "one")
    assert.same({ 0, "limit" }, { result.code, w:events("run_ended")[1].reason })
    assert.same({ 1, 1, 1 }, { w:count "needs-input", w:count "todo", #w:events "question" })
    assert.equal("Credit balance is too low", w:task(ids[1]).pending_question.context)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal(1, #limits.starts(w)) -- nothing is tried before somebody has answered
    al.fs.write { path = w.env.MARK .. ".paid", content = "" }
    assert.equal(0, w:al("task", "answer", ids[1], "A").code)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ 2, {} }, { w:count "done", limits.kept(w) })
  end)

  it("of a task that is stopped by itself is not waited for; the others go on", function()
    limited_once("one", 5)
    local first, second = w:add "first", w:add "second"
    w.users_act = true -- the run lands the other one
    local child = start("--agent", "one")
    until_limited()
    assert.equal(0, w:al("stop", first).code)
    assert.equal(0, child:wait().code)
    assert.same({ "todo", true, "done" }, { w:task(first).status, w:task(first).hold, w:task(second).status })
    assert.equal(0, w:al("resume", first).code)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal("done", w:task(first).status)
  end)

  it("is waited for by the analysis, too", function()
    limited_once("one", 2)
    local id = w:add "a thing"
    local result = w:al("run", "analyse.lua", "--agent", "one")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task = w:task(id)
    assert.same({ "analysed", "limit done", "one" }, {
      task.status, limits.endings(task), task.analysis.analysed_by,
    })
    assert.same({ "s-one", 1 }, { limits.starts(w)[2].session, w:worktrees() })
  end)

  it("costs no processor while it is waited for", function()
    limited_once("one", 600)
    w:add "a thing"
    local child = start("--agent", "one")
    until_limited()
    support.until_idle(child)
    child:stop()
    child:wait()
  end)

  it("does not count for --max-tasks: the run waits for the task", function()
    limited_once("one", 2)
    w:add "first"
    w:add "second"
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one", "--max-tasks", "1").code)
    assert.same({ 1, 1, "max_tasks" }, { w:count "done", w:count "todo", w:events("run_ended")[1].reason })
  end)

  it("holds no place: tasks of another agent go on, one at a time", function()
    w:config [[agents = { "one" }, backends = { two = {} }, jobs = 1]]
    limited_once("one", 6)
    limited_once("two", 6)
    local first = w:add "first"
    local second = w:add "second"
    assert.equal(0, w:al("task", "edit", second, "agent=two").code)
    local result = w:al("run", "execute.lua")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local order = {}
    for i, one in ipairs(limits.starts(w)) do order[i] = one.agent end
    assert.equal("one two one", table.concat(order, " "))
    assert.same({ "done", "done" }, { w:task(first).status, w:task(second).status })
  end)
end)
