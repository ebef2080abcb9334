local al = require "agentlua"
local limits = require "limits"
local support = require "support"

describe("agents that stand in for each other", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function limited(name)
    limits.agent(w, name, [[
      work
      if [ ! -e "$MARK.free" ]; then
        say '{"type":"session","id":"s-1"}'
        say '{"type":"limit","kind":"usage","text":"no more","resets_at":'$(in_seconds 600)'}'; exit 1
      fi
    ]])
  end
  local function agents_of(id)
    local names = {}
    for i, one in ipairs(w:task(id).attempts) do names[i] = one.agent end
    return table.concat(names, " ")
  end

  it("the next one of `agents` does a task while the account of the first is limited, and no longer", function()
    w:config [[agents = { "one", "two" }]]
    limited "one"
    limits.agent(w, "two", "work")
    local first, second = w:add "first", w:add "second"
    local result = w:al("run", "execute.lua", "--model", "big")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ "one two", "two" }, { agents_of(first), agents_of(second) })
    assert.equal("limit done", limits.endings(w:task(first)))
    assert.equal("", limits.starts(w)[2].session) -- another's session is not its own
    assert.truthy(limits.prompt(w, 2):find("You work alone in a git worktree", 1, true))
    al.fs.write { path = w.env.MARK .. ".free", content = "" }
    w:write("clear.lua", [[require("agentlua").limit.clear "one/default"]])
    assert.equal(0, w:al("run", "./clear.lua").code)
    local third = w:add "third"
    assert.equal(0, w:al("run", "execute.lua").code)
    assert.equal("one", agents_of(third))
  end)

  it("nobody stands in for the one that --agent names", function()
    w:config [[agents = { "one", "two" }, limits = { max_wait = 60 }]]
    limited "one"
    limits.agent(w, "two", "work")
    local id = w:add "a thing"
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ "one", "todo", "limit" }, { agents_of(id), w:task(id).status, w:events("run_ended")[1].reason })
  end)

  it("one that is not logged in is told of once; another one goes on, and a login makes it free", function()
    w:config [[agents = { "one" }]]
    limits.agent(w, "one", [[
      if [ -e "$MARK.free" ]; then work; exit 0; fi
      say '{"type":"auth","text":"please log in"}'; exit 1
    ]])
    for i = 1, 3 do w:add("thing " .. i) end
    local result = w:al("run", "execute.lua", "--jobs", "2")
    assert.same({ 0, "limit" }, { result.code, w:events("run_ended")[1].reason }, result.stdout .. result.stderr)
    assert.same({ 3, 1 }, { w:count "todo", #w:events "limit_started" })
    local tasks, met = al.json.parse(w:al("task", "list", "--json").stdout), {}
    for i, task in ipairs(tasks) do met[i] = limits.endings(task) end
    table.sort(met)
    assert.same({ "", "auth" }, { met[1], met[#met] })
    local started = #limits.starts(w)
    assert.equal(0, w:al("run", "execute.lua").code)
    assert.same({ 2, started }, { #w:events "limit_started", #limits.starts(w) }) -- another run says it, no more
    assert.truthy(w:al("status").stdout:find("one/default: not logged in; agentlua login one", 1, true))
    w:config [[agents = { "one", "two" }]]
    limits.agent(w, "two", "work")
    assert.equal(0, w:al("run", "execute.lua", "--max-tasks", "1").code)
    assert.equal(1, w:count "done")
    al.fs.write { path = w.env.MARK .. ".free", content = "" }
    local said = w:al("login", "one", "--done")
    assert.equal(0, said.code, said.stderr)
    assert.equal(0, w:al("run", "execute.lua").code)
    assert.same({ 3, "one" }, { w:count "done", limits.starts(w)[#limits.starts(w)].agent })
  end)

  it("a task cannot bring an agent that config.lua does not name", function()
    w:config [[agents = { "one" }]]
    limits.agent(w, "one", "work")
    local id = w:add "a thing"
    w:write("evil.sh", "#!/bin/sh\ntouch \"$MARK.evil\"\n", 493)
    for _, name in ipairs { "./evil.sh", "demo" } do
      assert.equal(0, w:al("task", "edit", id, "agent=" .. name).code)
    end
    assert.equal(0, w:al("run", "execute.lua").code)
    assert.same({ "one", false }, { agents_of(id), w:exists(w.env.MARK .. ".evil") })
  end)
end)

describe("starts of agents", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function count(kind)
    local n = 0
    for _ in (al.fs.read(w.env.MARK .. ".log") or ""):gmatch(kind) do n = n + 1 end
    return n
  end

  it("never more of an account run at once than `running`, over all runners; a killed one frees its place", function()
    w:config [[rate = { one = { running = 1 } }, jobs = 2]]
    limits.agent(w, "one", [[
      echo begin >>"$MARK.log"
      i=0
      while [ ! -e "$MARK.go" ] && [ $i -lt 2000 ]; do sleep 0.05; i=$((i+1)); done
      work
      echo end >>"$MARK.log"
    ]])
    for i = 1, 3 do w:add("thing " .. i) end
    local first = w:start("run", "execute.lua", "--agent", "one")
    support.eventually(function() return count "begin" == 1 end, "the first agent runs")
    local second = w:start("run", "execute.lua", "--agent", "one")
    support.eventually(function() return #w:events "run_started" == 2 end, "the second runner is there")
    al.sleep(1.5) -- it has looked for a place more than once
    assert.same({ 1, 1 }, { count "begin", w:count "in-progress" })
    first:kill()
    first:wait()
    support.eventually(function() return count "begin" == 2 end, "its place is free")
    al.fs.write { path = w.env.MARK .. ".go", content = "" }
    assert.equal(0, second:wait().code)
    assert.same({ 1, 2 }, { w:count "in-progress", w:count "done" }) -- that of the killed one is recovered later
    local open = 0
    for word in al.fs.read(w.env.MARK .. ".log"):gmatch "%a+" do
      open = open + (word == "begin" and 1 or -1)
      assert.truthy(open <= 2) -- the killed one never said its end
    end
  end)

  it("never come faster than `per_minute`, over all runners; a stop ends the wait", function()
    w:config [[rate = { one = { per_minute = 40 } }]] -- one every 1.5 seconds
    limits.agent(w, "one", "work")
    for i = 1, 4 do w:add("thing " .. i) end
    local begun = al.now()
    local a, b = w:start("run", "execute.lua", "--agent", "one"), w:start("run", "execute.lua", "--agent", "one")
    assert.same({ 0, 0 }, { a:wait().code, b:wait().code })
    local starts = limits.starts(w)
    table.sort(starts, function(x, y) return x.time < y.time end)
    assert.equal(4, #starts)
    for i, one in ipairs(starts) do assert.truthy(one.time - begun >= 1.5 * (i - 1), one.time - begun) end
    w:config [[rate = { one = { per_minute = 0.1 } }]]
    w:add "one more"
    local last = w:add "the last"
    local child = w:start("run", "execute.lua", "--agent", "one")
    support.eventually(function() return #limits.starts(w) == 5 end, "one starts")
    support.eventually(function() return w:count "done" == 5 end, "it ends")
    local before = al.clock()
    child:stop()
    assert.equal(143, child:wait().code)
    assert.truthy(al.clock() - before < support.soon)
    assert.same({ "todo", true }, { w:task(last).status, w:task(last).attempts == nil })
  end)
end)
