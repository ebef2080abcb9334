local al = require "agentlua"
local support = require "support"

describe("a workflow", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function import(...)
    w:write("workflow.json", [[{"name": "ship", "tasks": [
      {"name": "Check", "type": "script", "script": "check.sh", "priority": 1},
      {"name": "Note", "type": "script", "script": "note.sh", "priority": 2},
      {"name": "All", "type": "barrier", "depends_on": ["Check"]}]}]])
    local result = w:al("task", "import", "workflow.json", ...)
    assert.equal(0, result.code, result.stderr)
    local ids = {}
    for id in result.stdout:gmatch "%S+" do ids[#ids + 1] = id end
    return table.unpack(ids)
  end
  local function programs(check)
    w:write("check.sh", "#!/bin/sh\nexit " .. check .. "\n", 493)
    w:write("note.sh", "#!/bin/sh\necho x >note.txt\n", 493)
    w:git("add", "check.sh", "note.sh")
    w:git("commit", "-qm", "programs")
  end
  local function run(...) return w:al("run", "execute.lua", "--agent", w:agent "edit", ...) end
  local function status(id) return w:task(id).status end

  it("is run alone with --workflow", function()
    programs(0)
    local other = w:add("other", "--priority", "1")
    local check, note, all = import()
    local result = run("--workflow", "ship")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ "done", "done", "done", "todo" }, { status(check), status(note), status(all), status(other) })
    assert.equal("drained", w:events("run_ended")[1].reason)
    assert.equal(0, run("--workflow", "nothing").code)
    assert.equal("todo", status(other))
  end)

  it("is not gone on with once a mandatory task of it has failed", function()
    programs(1)
    local check, note = import()
    local result = run("--workflow", "ship")
    assert.equal(1, result.code)
    assert.same({ "failed", "todo" }, { status(check), status(note) })
    assert.equal("failures", w:events("run_ended")[1].reason)
  end)

  it("does not keep other tasks back when it is stopped", function()
    programs(1)
    local check, note = import()
    local other = w:add "other"
    assert.equal(1, run().code)
    assert.same({ "failed", "todo", "done" }, { status(check), status(note), status(other) })
  end)

  it("goes on when the task that has failed is optional", function()
    programs(1)
    local check, note = import()
    assert.equal(0, w:al("task", "edit", check, "optional=true").code)
    assert.equal(1, run("--workflow", "ship").code)
    assert.same({ "failed", "done" }, { status(check), status(note) })
  end)

  it("is begun anew with --fresh: what was open is cancelled, nothing is deleted", function()
    programs(1)
    local check, note, all = import()
    assert.equal(1, run("--workflow", "ship").code)
    assert.equal(0, w:al("task", "done", note).code)
    local again = import "--fresh"
    assert.same({ "cancelled", "done", "cancelled", "todo" }, {
      status(check), status(note), status(all), status(again),
    })
    assert.matches("begun anew", w:task(check).reason)
  end)

  it("that is being worked on is not begun anew", function()
    import()
    w:add("b", "--workflow", "ship", "--priority", "0")
    local child = w:start("run", "execute.lua", "--agent", w:agent "slow", "--max-tasks", "1")
    support.eventually(function() return w:exists(w.env.MARK) end, "the agent starts")
    local result = w:al("task", "import", "workflow.json", "--fresh")
    assert.equal(2, result.code)
    assert.matches("is being worked on", result.stderr)
    assert.equal(3, w:count "todo")
    child:stop()
    child:wait()
  end)
end)

describe("the record of a run", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- The last run's: reason of the end and counts, which event and file agree on.
  local function ended()
    local all = w:events "run_ended"
    local last = all[#all]
    local record = al.json.parse(w:read(".agentlua/runs/" .. last.run .. "/run.json"))
    assert.same(record.counts, last.counts)
    assert.equal(record.reason, last.reason)
    return last.reason, last.counts
  end

  it("counts what became of every task", function()
    local agent = w:shell_agent [[
      case $prompt in
      *goodone*) echo x >x.txt ;;
      *skipone*) agentlua task skip "$AGENTLUA_TASK_ID" --reason "not needed" ;;
      *askone*) agentlua task ask "$AGENTLUA_TASK_ID" "Which?" ;;
      *) exit 1 ;;
      esac
    ]]
    w:config "attempts = 1"
    for i, name in ipairs { "goodone", "skipone", "askone", "failone", "failtwo" } do
      w:add(name, "--priority", tostring(i))
    end
    assert.equal(1, w:al("run", "execute.lua", "--agent", agent).code)
    local reason, counts = ended()
    assert.equal("drained", reason)
    assert.same({ started = 5, done = 1, skipped = 1, waiting = 1, failed = 2, failed_in_a_row = 2 }, counts)
  end)

  it("says stopped for a run that waited for tasks", function()
    local child = w:start("run", "execute.lua", "--watch", "--agent", w:agent "edit")
    support.eventually(function() return #w:events "run_started" == 1 end, "the run starts")
    assert.equal(0, w:al("stop").code)
    assert.equal(0, child:wait().code)
    assert.equal("stopped", (ended()))
  end)

  it("a run that watches says once that nothing can run, and goes on when it can", function()
    local gone = w:add "gone"
    local id = w:add("never", "--depends", gone)
    assert.equal(0, w:al("task", "cancel", gone).code)
    w.users_act = true -- the run lands while we ask
    local child = w:start("run", "execute.lua", "--watch", "--agent", w:agent "edit")
    support.eventually(function() return #w:events "deadlock" == 1 end, "the deadlock is told")
    assert.equal(0, w:al("task", "reopen", gone).code)
    support.eventually(function() return w:task(id).status == "done" end, "the tasks are done")
    child:stop()
    child:wait()
    assert.equal(1, #w:events "deadlock")
  end)

  it("a run that watches takes a task up again when its question is answered", function()
    local id = w:add "a thing"
    w.users_act = true
    local child = w:start("run", "execute.lua", "--watch", "--agent", w:agent "asks")
    support.eventually(function() return w:task(id).status == "needs-input" end, "it asks")
    assert.equal(0, w:al("task", "answer", id, "b").code)
    support.eventually(function() return w:task(id).status == "done" end, "it goes on")
    child:stop()
    child:wait()
  end)
end)
