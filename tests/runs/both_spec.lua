local al = require "agentlua"
local support = require "support"

describe("analysis and execution side by side", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function both(path, ...) return w:al("run", "both.lua", "--agent", path, ...) end

  it("takes all tasks through both in one run, in the order of what they depend on", function()
    local a = w:add "first"
    local b = w:add("second", "--depends", a)
    local result = both(w:agent "edit")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    for _, id in ipairs { a, b } do
      assert.equal("done", w:task(id).status)
      assert.equal("string", type(w:task(id).analysis.analysed_at))
    end
    assert.equal(1, #w:events "run_started")
    assert.same({ "drained", 4 }, { w:events("run_ended")[1].reason, w:events("run_ended")[1].counts.started })
    assert.equal(1, w:worktrees())
  end)

  it("works at the same time: neither waits for the other", function()
    -- Each waits until the other one has begun.
    local path = w:shell_agent [[case $prompt in
      *second*) me=a; other=b ;; *) me=b; other=a ;; esac
      case $PWD in *-analysis*) touch "$MARK.$me"; test $me = b && { echo said; exit; } ;; *) touch "$MARK.$me" ;; esac
      i=0; while [ ! -e "$MARK.$other" ] && [ $i -lt 3000 ]; do sleep 0.02; i=$((i + 1)); done
      [ $i -lt 3000 ] && echo x >"$AGENTLUA_TASK_ID.txt" && echo said]]
    local first = w:add("first", "--priority", "1")
    local second = w:add "second"
    local result = both(path)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ "done", "done" }, { w:task(first).status, w:task(second).status })
    local order = {}
    for _, event in ipairs(w:events "attempt_started") do order[#order + 1] = "start " .. event.task:sub(1, 8) end
    assert.equal(4, #order)
  end)

  it("ends with deadlock when neither can go on", function()
    w:add("never", "--depends", w:add "gone")
    assert.equal(0, w:al("task", "cancel", "gone").code)
    local result = both(w:agent "edit")
    assert.equal(3, result.code)
    assert.matches("'never' cannot run: depends on 'gone'", result.stderr)
    assert.equal("deadlock", w:events("run_ended")[1].reason)
  end)

  it("a stop ends both, and every task is where it came from", function()
    local path = w:shell_agent 'touch "$MARK"; sleep 100'
    local id = w:add "a thing"
    local child = w:start("run", "both.lua", "--agent", path)
    support.eventually(function() return w:exists(w.env.MARK) end, "the agent starts")
    assert.equal(0, w:al("stop").code)
    assert.equal(0, child:wait().code)
    assert.equal("todo", w:task(id).status)
    assert.equal("stopped", w:events("run_ended")[1].reason)
  end)
end)

describe("the analysis loop", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function analyse(path, ...) return w:al("run", "analyse.lua", "--agent", path, ...) end

  it("promotes tasks that need no analysis; --max-tasks does not count them", function()
    local a = w:add("a", "--skip-analysis", "--priority", "1")
    local b = w:add("b", "--type", "barrier", "--priority", "2")
    local c, d = w:add "c", w:add "d"
    local result = analyse(w:shell_agent "echo read", "--max-tasks", "1")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.is_true(w:task(a).analysis.auto_promoted)
    assert.is_true(w:task(b).analysis.auto_promoted)
    assert.same({ "analysed", "analysed", "analysed", "todo" }, {
      w:task(a).status, w:task(b).status, w:task(c).status, w:task(d).status,
    })
    assert.equal("read\n", w:task(c).analysis.summary .. "\n")
    assert.is_nil(w:task(a).attempts)
    assert.equal("max_tasks", w:events("run_ended")[1].reason)
  end)

  it("fails a task of which nothing was said, after `attempts` tries, and ends after too many of them", function()
    w:config "attempts = 2, max_failures = 2"
    local a = w:add("a", "--priority", "1")
    w:add("b", "--priority", "2")
    local c = w:add "c"
    local result = analyse(w:shell_agent 'echo "$prompt" >>"$MARK"')
    assert.equal(1, result.code)
    assert.same({ "failed", 2 }, { w:task(a).status, #w:task(a).attempts })
    assert.matches("without an analysis", w:task(a).reason)
    assert.truthy(al.fs.read(w.env.MARK):find("It ended without an analysis", 1, true))
    assert.equal("todo", w:task(c).status)
    local ended = w:events("run_ended")[1]
    assert.same({ "failures", 2, 2 }, { ended.reason, ended.counts.failed, ended.counts.failed_in_a_row })
    assert.equal(1, w:worktrees())
  end)
end)
