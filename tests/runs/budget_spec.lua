local al = require "agentlua"
local support = require "support"

describe("a budget", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function said() return tonumber(al.fs.read(w.env.MARK)) end

  for figure, most in pairs { usd = 5, tokens = 500, turns = 5 } do
    it("of a task in " .. figure .. " stops a runaway agent within one event; its work stays", function()
      w:config(("budget = { task = { %s = %d } }"):format(figure, most))
      local id = w:add "a thing"
      local result = w:run "spends"
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local task = w:task(id)
      assert.equal("needs-input", task.status)
      assert.matches("the budget of the task is used up: %$?5", task.reason)
      assert.same({ "budget", 1 }, { task.attempts[1].ending, #task.attempts })
      assert.is_true(said() <= 7, "it went on to " .. said())
      assert.equal("work\n", al.fs.read(task.worktree.path .. "/new-" .. id .. ".txt"))
      assert.equal(1, #w:events "budget_exceeded")
      assert.equal(1, #w:events "budget_warning")
    end)
  end

  it("of seconds ends an agent that says nothing", function()
    w:config "budget = { attempt = { seconds = 1 } }"
    local id = w:add "a thing"
    local began = al.clock()
    w:run "slow"
    assert.is_true(al.clock() - began < 60)
    assert.same({ "needs-input", "budget" }, { w:task(id).status, w:task(id).attempts[1].ending })
  end)

  it("of a task is renewed by an answer; the work goes on in its worktree", function()
    w:config "budget = { task = { turns = 2 } }"
    local id = w:add "a thing"
    w:run "spends"
    assert.equal(0, w:run("spends").code) -- it waits for a person
    assert.equal(1, #w:task(id).attempts)
    assert.equal(0, w:al("task", "answer", id, "A").code)
    w:run "spends"
    assert.same({ 2, "budget" }, { #w:task(id).attempts, w:task(id).attempts[2].ending })
    assert.equal(0, w:al("task", "answer", id, "A").code)
    assert.equal(0, w:run("edit").code)
    assert.equal("done", w:task(id).status)
  end)

  it("of a task may be lower for one task, by its own field, never higher", function()
    w:config "budget = { task = { turns = 4 } }"
    local low, high = w:add "low", w:add "high"
    for id, turns in pairs { [low] = 2, [high] = 100 } do
      local path = w:command { "sh", "-c", "ls .agentlua/tasks/todo/*" .. id:sub(1, 8) .. "*" }.stdout:gsub("\n", "")
      local task = al.json.parse(w:read(path))
      task.budget = { turns = turns }
      w:write(path, al.json.dump(task))
    end
    w:run "spends"
    assert.matches("2 turns of 2 turns", w:task(low).reason)
    assert.matches("4 turns of 4 turns", w:task(high).reason)
  end)

  it("of a run ends it: the task goes back, nothing else starts, other agents are ended too", function()
    w:config "budget = { run = { usd = 4 } }"
    local ids = { w:add "one", w:add "two", w:add "three" }
    local result = w:run("spends", "--jobs", "2")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    for _, id in ipairs(ids) do assert.equal("todo", w:task(id).status) end
    assert.equal(2, #w:events "attempt_ended")
    assert.equal("budget", w:events("run_ended")[1].reason)
  end)

  it("of a day counts what earlier runs have spent", function()
    w:config "budget = { day = { turns = 3 } }"
    local id = w:add "a thing"
    assert.equal(0, w:run("spends").code)
    assert.equal("budget", w:events("run_ended")[1].reason)
    assert.equal(0, w:run("edit").code) -- nothing starts
    assert.same({ "todo", 1 }, { w:task(id).status, #w:events "attempt_started" })
    assert.equal("budget", w:events("run_ended")[2].reason)
    w:config "budget = { day = { turns = 100 } }"
    assert.equal(0, w:run("edit").code)
    assert.equal("done", w:task(id).status)
  end)

  it("agentlua cost says what was spent, and what is not known", function()
    w:config "budget = { task = { usd = 3 } }, attempts = 1"
    w:add "a thing"
    w:run "spends"
    w:add "other"
    w:run "edit"
    local rows = al.json.parse(w:al("cost", "--by", "agent", "--json").stdout)
    assert.equal(2, #rows)
    assert.same({ 1, 0 }, { rows[1].attempts, rows[1].unknown })
    assert.is_true(rows[1].usd >= 3)
    assert.same({ 1, 1, 0 }, { rows[2].attempts, rows[2].unknown, rows[2].usd })
    local text = w:al("cost").stdout
    assert.matches("a thing +1 +%d+ +%d+ +%d+ s +%$%d", text)
    assert.matches("other +1 +0 +0 +%d+ s +unknown", text)
    al.fs.append { path = w.root .. "/.agentlua/events.jsonl", text = '{"type":"attempt_ended","time":"never"}\n' }
    assert.equal(1, #al.json.parse(w:al("cost", "--by", "day", "--json").stdout))
  end)

  it("in dollars says once that it cannot hold an agent whose cost is not known", function()
    w:config "budget = { run = { usd = 10 } }"
    w:add "one"
    w:add "two"
    local result = w:run "edit"
    assert.equal(0, result.code)
    local _, times = result.stderr:gsub("the budget in dollars does not hold it", "")
    assert.same({ 1, 1 }, { times, #w:events "budget_unknown" })
  end)

  it("with a mistake in config.lua is refused before anything starts", function()
    for _, text in ipairs { "day = { dollars = 1 }", "week = { usd = 1 }", "task = { usd = 0 }", "task = 5" } do
      w:config("budget = { " .. text .. " }")
      local result = w:run "edit"
      assert.equal(2, result.code)
      assert.matches("config.lua: .*budget", result.stderr)
    end
  end)
end)
