local core = require "agentlua.core"
local support = require "support"

describe("agentlua task", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.project() end)
  after_each(support.teardown)

  local function task(...) return support.agentlua { "task", cwd = path, ... } end
  local function good(...)
    local result = task(...)
    assert(result.code == 0, result.stderr)
    return (result.stdout:gsub("\n$", ""))
  end
  local function json(...) return assert(core.json.parse(good(...))) end
  local function import(text) return task("import", support.write("tasks.json", text)) end

  it("add prints the id; show has everything", function()
    local id = good("add", "First of all")
    local second = good("add", "Second", "--depends", "first-of-all", "--accept", "a b", "c",
      "--priority", "3", "--effort", "XL", "--description", "{{x}}", "--files", "x.c")
    local shown = json("show", second, "--json")
    assert.same({ "Second", 3, "XL", "{{x}}", "todo" },
      { shown.name, shown.priority, shown.effort, shown.description, shown.status })
    assert.equal(id, shown.dependencies[1])
    assert.same({ "a b", "c" }, { table.unpack(shown.acceptance_criteria) })
    assert.equal("x.c", shown.files[1])
    assert.matches("name +Second", good("show", second))
    assert.equal(2, task("add", "  ").code)
  end)

  it("list is a table or an array", function()
    assert.equal("[]", good("list", "--json"))
    local id = good("add", "One \27[31m")
    assert.matches(id:sub(1, 8) .. "  todo  50  One \\x1b[31m", good "list", 1, true)
    assert.equal(id, json("list", "--json", "--status", "todo")[1].id)
    assert.equal("[]", good("list", "--json", "--status", "done"))
  end)

  it("next: the task, or exit 3 and why not", function()
    local result = task("next", "--json")
    assert.same({ 3, core.json.null }, { result.code, core.json.parse(result.stdout).task })
    good("add", "Two", "--depends", good("add", "One"))
    assert.matches("One$", good "next")
    assert.matches("Two: depends on 'One'", good("next", "--why"))
    good("skip", "one")
    result = task("next", "--why")
    assert.equal(3, result.code)
    assert.matches("which is skipped", result.stdout)
  end)

  it("edit takes JSON where it is JSON, and text for what is text", function()
    good("add", "One")
    good("edit", "one", "priority=7", "hold=true", 'touches=["a"]', "description=5", "note=a=b")
    local shown = json("show", "one", "--json")
    assert.same({ 7, true }, { shown.priority, shown.hold })
    assert.same({ "5", "a=b" }, { shown.description, shown.note })
    assert.equal("a", shown.touches[1])
    for _, change in ipairs { "status=done", "id=x", "nothing" } do
      assert.equal(2, task("edit", "one", change).code)
    end
  end)

  it("import: an array, one object, one per line, standard input", function()
    assert.equal(0, import('[{"name":"a"},{"name":"b","priority":1}]').code)
    assert.equal(0, import('{"name":"c"}').code)
    assert.equal(0, import('{"name":"d"}\n\n{"name":"e"}\n').code)
    local words = { "task", "import", "-", cwd = path, stdin = '{"name":"f"}' }
    assert.equal(0, support.agentlua(words).code)
    assert.equal(0, import("[]").code)
    assert.equal(6, #json("list", "--json"))
  end)

  it("import of a mistake imports nothing, and says where it is", function()
    for text, shown in pairs {
      ['[{"name":"a"},{"title":"b"}]'] = "task 2", ['[{"name":"a"},5]'] = "task 2",
      ['[{"name":"a"},\n{"name" "b"}]'] = "line 2, column", ['"text"'] = "task 1",
      ['{"name":"a"}\n{"name":'] = "line 2",
    } do
      local result = import(text)
      assert.equal(2, result.code)
      assert.truthy(result.stderr:find(shown, 1, true), result.stderr)
      assert.is_nil(result.stderr:find("traceback", 1, true))
    end
    assert.equal("[]", good("list", "--json"))
    assert.equal(2, task("import", "/nosuch.json").code)
  end)

  it("fields that are null, or not what they should be, break no command", function()
    local id = "odd-1"
    assert.equal(0, import([[ {"id": "odd-1", "name": "odd", "description": null, "attempts": null,
      "skip_history": null, "hold": null, "dependencies": null, "worktree": null, "priority": "x",
      "extra": {"a": [null]}} ]]).code)
    for _, words in ipairs {
      { "show", id }, { "list" }, { "next" }, { "skip", id, "--reason", "no" }, { "reopen", id },
    } do
      good(table.unpack(words))
    end
    good("edit", id, 'attempts=[{"n":1},{}]')
    assert.matches("attempt 2", good("show", id))
    assert.equal(0, support.agentlua({ "status", cwd = path }).code)
  end)

  it("runs whose record is none, or says nothing, break no command", function()
    support.write("repo/.agentlua/runs/20260101-000000-aaaa/run.json", "5")
    support.write("repo/.agentlua/runs/20260101-000000-bbbb/run.json", "{}")
    for _, words in ipairs { { "status" }, { "fsck" }, { "stop" } } do
      local result = support.agentlua { cwd = path, table.unpack(words) }
      assert.equal(0, result.code, result.stderr)
    end
    assert.matches("no run and no task", support.agentlua({ "stop", "x", cwd = path }).stderr)
  end)

  it("a question whose context and options are null is shown", function()
    assert.equal(0, import([[ {"id": "asks", "name": "asks", "status": "needs-input", "pending_question":
      {"id": "q1", "question": "Which one?", "context": null, "options": null}} ]]).code)
    assert.matches("q1: Which one%?$", good("show", "asks"))
  end)

  it("changes of state, from where they are possible", function()
    local id = good("add", "One")
    good("done", id)
    assert.equal("done", json("show", id, "--json").status)
    assert.equal(2, task("restart", id).code)
    good("reopen", id)
    good("cancel", id, "--reason", "not needed")
    local shown = json("show", id, "--json")
    assert.same({ "cancelled", "not needed" }, { shown.status, shown.reason })
    local function moves(...)
      local result, all = support.agentlua { "log", "--json", cwd = path, ... }, {}
      for line in result.stdout:gmatch "[^\n]+" do all[#all + 1] = core.json.parse(line).to end
      return all
    end
    assert.same({ "done", "todo", "cancelled" }, moves("--task", id))
    assert.same({ "cancelled" }, moves("-n", "1"))
  end)
end)
