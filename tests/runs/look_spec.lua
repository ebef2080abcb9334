local al = require "agentlua"
local limits = require "limits"
local support = require "support"

local agent = [[#!/bin/sh
cat >/dev/null
echo work >"new-$AGENTLUA_TASK_ID.txt"
echo '{"type":"usage","tokens_in":1000,"tokens_out":200,"cost":0.5}'
echo "$AGENTLUA_TASK_ID" >>"$MARK"
while ! [ -e "$MARK.go" ]; do sleep 0.05; done
]]

describe("looking at running work", function()
  local w
  before_each(function()
    w = support.new()
    w:write("../agent.sh", agent, 493)
  end)
  after_each(function() w:close() end)

  local function go() w:write("../mark.go", "") end
  local function start(...) return w:start("run", "execute.lua", "--agent", w.top .. "/agent.sh", ...) end
  local function status() return al.json.parse(w:al("status", "--json").stdout) end
  local function rows(count)
    local found
    support.eventually(function()
      found = (status().runs[1] or {}).tasks or {}
      return #found == (count or 1) and found[1].turns == 1
    end, "the tasks are in the record")
    return found
  end

  -- A command at a terminal of its own, 100 columns wide.
  local function at_terminal(env, ...) return w:at_terminal { pty = { cols = 100 }, env = env, ... } end
  local function run_at_terminal(env) return at_terminal(env, "run", "execute.lua", "--agent", w.top .. "/agent.sh") end

  it("at a terminal each task has a line that is drawn in place, below the log", function()
    w:add "fix the parser"
    local child <close> = run_at_terminal { TERM = "xterm", NO_COLOR = false }
    local said = support.hear(child, "1 turn  1200 tokens  $0.50  0:0[1-9]  quiet [1-9] s")
    assert.truthy(said:find("fix the parser  setup", 1, true), said)
    assert.truthy(said:find("agent.sh  1 turn", 1, true), said)
    assert.truthy(said:find("\27[1A\r", 1, true), said)
    go()
    said = child:wait().stdout
    assert.truthy(said:find("\27[32m", 1, true), said)
    assert.matches("\r\27%[K\27%[J[^\27]*ended: drained; 1 done[^\27]*\r\n$", said) -- gone at the end
  end)

  it("NO_COLOR has no colours; TERM=dumb and a pipe have plain lines", function()
    for _, env in ipairs { { TERM = "xterm", NO_COLOR = "1" }, { TERM = "dumb" }, { TERM = false } } do
      w:add "a thing"
      go()
      local said = run_at_terminal(env):wait().stdout
      assert.truthy(said:find("ended: drained", 1, true), said)
      assert.is_nil(said:find "\27%[[%d;]*m", said)
      if env.TERM ~= "xterm" then assert.is_nil(said:find("\27", 1, true), said) end
    end
    w:add "a thing"
    local piped = start():wait().stdout
    assert.is_nil(piped:find "[\27\r]", piped)
  end)

  it("the record and status of another terminal say what each task is at", function()
    local id = w:add "fix the parser"
    local child = start()
    local row = rows()[1]
    assert.same({ id, "fix the parser", "agent", 1, 1, 1200, 0.5 },
      { row.id, row.name, row.phase, row.attempt, row.turns, row.tokens, row.cost })
    assert.matches("agent.sh$", row.agent)
    assert.truthy(al.now() - 60 < require("agentlua.core").time.parse_iso(row.last_output_at))
    assert.truthy(row.started_at <= row.last_output_at)
    local plain = w:al("status").stdout
    assert.matches("run %S+  %S+  running, pid %d+; 0 done, 0 failed, 0 waiting\n  %x+  fix the parser", plain)
    assert.matches("1 turn  1200 tokens  $0.50  %d:%d%d  quiet %d+ s", plain)
    local _, mentions = plain:gsub("fix the parser", "")
    assert.equal(1, mentions)
    go()
    assert.equal(0, child:wait().code)
    assert.same({}, status().runs[1].tasks)
  end)

  it("a task that waits for a limit says until when, in the record and at the terminal", function()
    limits.agent(w, "one", [[
      say '{"type":"limit","kind":"usage","text":"no more","resets_at":'$(in_seconds 3600)'}'
      exit 1
    ]])
    local id = w:add "a thing"
    local child <close> = at_terminal({ TERM = "xterm" }, "run", "execute.lua", "--watch", "--agent", "one")
    support.hear(child, "a thing +waits for one/default until %d%d:%d%d:%d%d\27")
    local row
    support.eventually(function()
      row = status().runs[1].tasks[1]
      return row and row.phase == "waits"
    end, "it waits")
    assert.same({ id, "one/default" }, { row.id, row.account })
    assert.truthy(row.waits_until > row.started_at)
    assert.equal(0, w:al("task", "cancel", id).code)
    support.eventually(function() return #status().runs[1].tasks == 0 end, "nobody waits for it any more")
    child:write "\3"
    assert.equal(130, child:wait().code)
  end)

  it("status has questions with their ids, in words and as JSON", function()
    local id = w:add "a thing"
    assert.equal(0, w:al("task", "ask", id, "Which one?", "--option", "a", "b").code)
    local asked = status().questions
    assert.same({ { task = w:task(id).id8, id = "q1", question = "Which one?" } }, asked)
    assert.matches("question  %x+ q1  Which one%?", w:al("status").stdout)
  end)

  it("status --watch, piped: a block for each change, 130 after Ctrl-C; nothing while nothing happens", function()
    local id = w:add "first"
    local child = w:start("status", "--watch")
    local said = support.hear(child, "todo  1\n")
    w:add "second"
    said = said .. support.hear(child, "todo  2\n")
    assert.equal(0, w:al("task", "skip", id).code)
    said = said .. support.hear(child, "skipped  1\n")
    w:command { "kill", "-INT", tostring(child:pid()) }
    local result = child:wait()
    assert.equal(130, result.code)
    said = said .. result.stdout
    assert.same({ 1, 1 }, { select(2, said:gsub("todo  2\n", "")), select(2, said:gsub("skipped", "")) })
    assert.is_nil(said:find("\27", 1, true))
  end)

  it("status --watch at a terminal is drawn in place, ages run on", function()
    w:add "a thing"
    local child = start()
    rows()
    local watching <close> = at_terminal({ TERM = "xterm" }, "status", "--watch")
    local ages, seen = {}, 0
    while seen < 3 do -- one may be passed over
      local age = support.hear(watching, "%d:%d%d  quiet"):match "(%d:%d%d)  quiet"
      if not ages[age] then ages[age], seen = true, seen + 1 end
    end
    watching:write "\3"
    assert.equal(130, watching:wait().code)
    go()
    assert.equal(0, child:wait().code)
  end)

  it("log -f shows what is new, each event once", function()
    assert.equal(0, w:al("task", "skip", w:add "other").code)
    local child = w:start("log", "-f", "-n", "1")
    support.hear(child, "skipped")
    w:add "a thing"
    go()
    assert.equal(0, start():wait().code)
    local said = support.hear(child, "run_ended")
    child:kill()
    child:wait()
    for _, kind in ipairs { "run_started", "task_claimed", "attempt_started", "landed", "run_ended" } do
      assert.same({ kind, 1 }, { kind, select(2, said:gsub("  " .. kind .. " ", "")) })
    end
  end)

  it("task show has the whole history of a task", function()
    w:config [[attempts = 1, verify = { { name = "never", argv = { "false" } } }]]
    local id = w:add "a thing"
    go()
    assert.equal(0, w:al("task", "ask", id, "Which one?", "--option", "a", "b").code)
    assert.equal(0, w:al("task", "answer", id, "B").code)
    assert.equal(1, start():wait().code)
    assert.equal(0, w:al("checkpoint", id).code)
    local shown = w:al("task", "show", id).stdout
    for _, pattern in ipairs {
      "attempt 1 +%S+  %S+agent.sh  done  counts as failed  1 turn  1200 tokens  $0.50  %d:%d%d\n",
      "\n +%S+/1.prompt.md\n +%S+/1.stream.jsonl\n", "check +%S+  never  failed %(1%)",
      "answered +%S+  q1: Which one%?\n +%-> B %- b",
      "worktree +%S+\n +branch task/%S+, from main at %x+", "checkpoint +%S+  refs/agentlua/checkpoint/",
      "event +%S+  task_moved +from=in%-progress reason=.- to=failed",
    } do
      assert.truthy(shown:find(pattern), pattern .. "\n" .. shown)
    end
    assert.equal(id, al.json.parse(w:al("task", "show", id, "--json").stdout).id)
  end)

  it("--dry-run says what would be done with each task, and changes nothing", function()
    local first = w:add("a thing", "--priority", "1")
    w:add "another"
    w:add("later", "--depends", first)
    local function all()
      return w:command({ "sh", "-c", "find . -type f | sort | xargs sha256sum; git for-each-ref" }).stdout
    end
    local before = all()
    local result = w:al("run", "execute.lua", "--agent", "demo", "--model", "big", "--dry-run")
    assert.equal(0, result.code, result.stderr)
    local id8 = w:task(first).id8
    for _, part in ipairs {
      "1. 'a thing' (" .. id8 .. ")", "agent demo, model big", "base main, worktree ", id8 .. "-a-thing", "execute.md",
      "2. 'another'", "'later' waits: ",
    } do
      assert.truthy(result.stdout:find(part, 1, true), part .. "\n" .. result.stdout)
    end
    assert.equal(before, all())
    assert.same({ 1, 0 }, { w:worktrees(), #w:events "run_started" })
    local one = w:al("run", "execute.lua", "--agent", "demo", "--max-tasks", "1", "--dry-run").stdout
    assert.is_nil(one:find("'another'", 1, true))
  end)
end)

describe("steering", function()
  local w
  before_each(function()
    w = support.new()
    w:write("../agent.sh", agent, 493)
  end)
  after_each(function() w:close() end)

  local function start(...) return w:start("run", "execute.lua", "--agent", w.top .. "/agent.sh", ...) end
  local function working(id)
    support.eventually(function() return (al.fs.read(w.env.MARK) or ""):find(id, 1, true) end, "the agent works")
  end
  local function go() w:write("../mark.go", "") end
  local function run_ids()
    local ids = {}
    for i, event in ipairs(w:events "run_started") do ids[i] = event.run end
    return ids
  end
  local function fails(code, text, ...)
    local result = w:al(...)
    assert.equal(code, result.code, result.stdout .. result.stderr)
    assert.truthy(result.stderr:find(text, 1, true), result.stderr)
  end

  it("stops one of several runs by the beginning of its id; an ambiguous one is refused with the list", function()
    local first, second = w:add "first", w:add "second"
    local a = start("--task", first)
    working(first)
    local b = start("--task", second)
    working(second)
    local ids = run_ids()
    local result = w:al("stop", "20")
    assert.equal(2, result.code)
    for _, id in ipairs(ids) do assert.truthy(result.stderr:find("run " .. id, 1, true), result.stderr) end
    local stopped = w:al("stop", ids[1]:sub(1, -2) == ids[2]:sub(1, -2) and ids[1] or ids[1]:sub(1, -2))
    assert.equal("run " .. ids[1] .. " is stopped\n", stopped.stdout, stopped.stderr)
    assert.equal(0, a:wait().code)
    fails(2, "does not run any more: it ended, stopped", "stop", ids[1])
    go()
    assert.equal(0, b:wait().code)
    assert.same({ "todo", "done" }, { w:task(first).status, w:task(second).status })
    assert.equal("nothing is running\n", w:al("stop").stdout)
  end)

  it("stops a task by a prefix, and holds it; resume lets it go, also while nothing runs", function()
    local id, other = w:add "first", w:add "second"
    local child = start("--jobs", "2")
    working(id)
    working(other)
    assert.matches("^task %x+ 'first' is stopped\n$", w:al("stop", id:sub(1, 13)).stdout)
    support.eventually(function() return w:task(id).status == "todo" end, "it is back")
    assert.is_true(w:task(id).hold)
    go()
    assert.equal(0, child:wait().code)
    assert.same({ "todo", "done" }, { w:task(id).status, w:task(other).status })
    fails(2, "it is in done", "stop", other)
    assert.matches("is not held any more", w:al("resume", id).stdout)
    fails(2, "nobody works on", "resume", id)
    fails(2, "nobody works on", "pause", id)
    assert.matches("is held", w:al("stop", id).stdout)
    assert.is_true(w:task(id).hold)
    fails(2, "no run and no task", "stop", "nosuch")
  end)

  it("stops a task while it is verified", function()
    w:config(([[verify = { { argv = { "sh", "-c", "touch %s/verifying; sleep 60" } } }]]):format(w.top))
    local id = w:add "first"
    go()
    local child = start()
    support.eventually(function() return w:exists(w.top .. "/verifying") end, "it is verified")
    assert.equal(0, w:al("stop", id).code)
    assert.equal(0, child:wait().code)
    local task = w:task(id)
    assert.same({ "todo", true }, { task.status, task.hold })
    assert.is_nil(task.attempts[1].spent)
  end)

  it("pauses one task of a run, or all, and has them go on", function()
    w.users_act = true -- the other task lands while we look
    local id, other = w:add "first", w:add "second"
    local child = start("--jobs", "2")
    working(id)
    working(other)
    assert.matches("'first' is paused", w:al("pause", id).stdout)
    local function paused() -- names of tasks whose row says so
      local names = {}
      for _, row in ipairs(al.json.parse(w:al("status", "--json").stdout).runs[1].tasks) do
        if row.paused then names[#names + 1] = row.name end
      end
      return table.concat(names, " ")
    end
    support.eventually(function() return paused() == "first" end, "it is paused")
    go()
    support.eventually(function() return w:task(other).status == "done" end, "the other goes on")
    assert.equal("in-progress", w:task(id).status)
    assert.matches("'first' goes on", w:al("resume", id).stdout)
    assert.equal(0, child:wait().code)
    assert.equal("done", w:task(id).status)
  end)
end)
