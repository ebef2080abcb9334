local core = require "agentlua.core"
local support = require "support"

describe("agentlua task import", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.project() end)
  after_each(support.teardown)

  local function task(...) return support.agentlua { "task", cwd = path, ... } end
  local function list()
    local by_id, count = {}, 0
    for _, t in ipairs(core.json.parse(task("list", "--json").stdout)) do by_id[t.id], count = t, count + 1 end
    return by_id, count
  end

  -- Imports a file of the given name and text; returns the tasks that were added, by name.
  local function import(name, text, ...)
    local result = task("import", text and support.write(name, text) or support.dir .. "/" .. name, "--json", ...)
    assert.same({ 0, "" }, { result.code, result.stderr })
    local by_name = {}
    for _, t in ipairs(core.json.parse(result.stdout)) do by_name[t.name] = t end
    return by_name
  end

  -- Exit 2, one sentence that has all of the texts, and not one task more than before.
  local function is_refused(name, text, ...)
    local _, before = list()
    local result = task("import", text and support.write(name, text) or support.dir .. "/" .. name)
    local shown = result.stdout .. result.stderr
    assert.same({ 2, "" }, { result.code, result.stdout }, shown)
    assert.is_nil(shown:find("traceback", 1, true), shown)
    for _, part in ipairs { ... } do assert.truthy(shown:find(part, 1, true), shown) end
    local _, after = list()
    assert.equal(before, after)
  end

  describe("of JSON", function()
    it("ids that are taken: an error, or passed over", function()
      local text = '{"id": "a", "name": "A"}\n{"id": "b", "name": "B"}\n'
      import("tasks.jsonl", text)
      is_refused("tasks.jsonl", text, "tasks.jsonl line 1", "id 'a' is taken", "--skip-existing")
      assert.same({}, import("tasks.jsonl", text, "--skip-existing"))
      local added = import("tasks.jsonl", text .. '{"id": "c", "name": "C"}\n', "--skip-existing")
      assert.equal("c", added.C.id)
      assert.equal(3, select(2, list()))
      is_refused("t.json", '[{"id": "x", "name": "1"}, {"id": "x", "name": "2"}]', "task 2 of", "taken by task 1 of")
    end)

    it("an id that is taken by a task that is done, under another file name", function()
      support.write("repo/.agentlua/tasks/done/other.json", '{"id": "a", "name": "A"}')
      is_refused("t.json", '{"id": "a", "name": "B"}', "id 'a' is taken")
    end)

    it("hostile ids, names and paths", function()
      for _, id in ipairs { '"../../etc/x"', '"a/b"', '""', '"-x"', '"a\\nb"', "5", "[1]", "true",
        '"' .. ("x"):rep(129) .. '"' } do
        is_refused("t.json", ('[{"name": "ok"}, {"id": %s, "name": "x"}]'):format(id), "task 2 of", "refused")
      end
      for _, name in ipairs { '""', '"  "', "null", "5", '"a\\nb"', '"\\u001b[31mred"', '"a\\u202eb"' } do
        is_refused("t.json", ('{"name": %s}'):format(name), "task 1 of", '"name"')
      end
      is_refused("t.json", '{"name": "a", "script_path": "../x.sh"}', "script_path", "leaves its directory")
      is_refused("t.json", '{"name": "a", "type": "prompt_template", "prompt": "/etc/passwd"}', "/etc/passwd")
      is_refused("t.json", '{"name": "a", "worktree": {"path": "/", "branch": "main"}}', "worktree", "remove")
      is_refused("t.json", '{"name": "a", "status": "../x"}', "task 1 of", "status '../x'", "todo")
    end)

    it("a mistake in one object over many lines is found where it is", function()
      is_refused("t.json", '{\n  "name": "a",\n  "x" 5\n}', "line 3")
    end)

    it("a short name of its own for each", function()
      local added = import("t.json", '[{"name": "a", "id8": "11111111"}, {"name": "b", "id8": "11111111"}]')
      assert.not_equal(added.a.id8, added.b.id8)
    end)

    it("what is no file", function()
      is_refused("nosuch.json", nil, "nosuch.json", "No such file")
      is_refused("w.yaml", "name: x", "YAML", "convert it to JSON")
    end)
  end)

  describe("of a task directory", function()
    local function bot(status, file, text) support.write("bot/tasks/" .. status .. "/" .. file .. ".json", text) end

    it("every status, the text as it is", function()
      local text = '{"zeta": 1.0, "name":"One",\n\t"id": "one-1", "alpha": {"b":[1,2.50]}, "status": "wrong"}'
      bot("done", "first-thing-abc", text)
      for i, status in ipairs(core.store.statuses) do
        if status ~= "done" then bot(status, "t" .. i, ('{"id": "t%d", "name": "T%d"}'):format(i, i)) end
      end
      bot("todo/edited_tasks", "old", '{"id": "old", "name": "old"}')
      bot("todo", ".hidden", "x")
      import("bot/tasks", nil)
      local by_id, count = list()
      assert.equal(#core.store.statuses, count)
      for i, status in ipairs(core.store.statuses) do
        assert.equal(status, by_id[status == "done" and "one-1" or "t" .. i].status)
      end
      assert.equal(text, core.fs.read(path .. "/.agentlua/tasks/done/first-thing-abc.json"))
      is_refused("bot/tasks", nil, "is taken", "--skip-existing")
      assert.same({}, import("bot/tasks", nil, "--skip-existing"))
    end)

    it("a mistake anywhere imports nothing", function()
      bot("done", "a", '{"id": "a", "name": "A"}')
      for text, shown in pairs {
        ["{"] = "line 1", ["[]"] = "not a JSON object", ['{"name": "x"}'] = '"id"', ['{"id": "x"}'] = '"name"',
        ['{"id": "../x", "name": "x"}'] = "refused", ['{"id": "a", "name": "x"}'] = "taken by",
        ['{"id": "x", "name": "x", "worktree": {"path": "/"}}'] = "worktree",
      } do
        bot("todo", "b", text)
        is_refused("bot/tasks", nil, "bot/tasks/", shown, "nothing was imported")
      end
    end)

    it("a file name that is taken is never written over", function()
      support.write("repo/.agentlua/tasks/failed/b.json", '{"id": "other", "name": "other"}')
      bot("todo", "b", '{"id": "b", "name": "B"}')
      is_refused("bot/tasks", nil, "todo/b.json", "taken by", "failed/b.json")
      bot("todo", "b\27[31m", '{"id": "c", "name": "C"}')
      is_refused("bot/tasks", nil, "\\x1b", "rename")
    end)

    it("a directory without status directories", function()
      core.fs.mkdir(support.dir .. "/bot/other")
      is_refused("bot", nil, "named after a status", ".bot/workspace/tasks")
    end)
  end)

  describe("of Markdown", function()
    it("tables by their headers; pipes, marks, fences, a later table, CRLF", function()
      local text = [[
# Plan

| milestone | owner |
|-----------|-------|
| M1        | me    |

| ID          | Status      | milestone | Description        | depends_on       | PR  | Size in Days |
|-------------|:-----------:|-----------|--------------------|------------------|-----|--------------|
| AUTH-01     | done        | M1        | Session            |                  | #12 | 3            |
| **AUTH-02** | in-progress | M1        | Form `a | b \| c`  | AUTH-01          |     |              |
| `AUTH-03`   | not-started | M2        | Password \| reset  | [AUTH-02](#x), `AUTH-01` |
|             | todo        | M2        | no id              |                  |     |              |
| AUTH-04     | todo        |           |                    | —                |     |              |

~~~
| id | status |
|----|--------|
| no | todo   |
~~~

status | id | title | description | priority | hold
--- | --- | --- | --- | --- | ---
blocked | B-1 | Short | Long text | 5 | no
]]
      local added = import("TASKS.md", (text:gsub("\n", "\r\n")))
      local by_id, count = list()
      assert.equal(5, count)
      local first, form = by_id["AUTH-01"], added["Form `a | b | c`"]
      assert.same({ "done", "M1", "#12", "3" }, { first.status, first.milestone, first.pr, first.size_in_days })
      assert.same({ "AUTH-02", "todo", "AUTH-01" }, { form.id, form.status, form.dependencies[1] })
      assert.is_nil(form.pr)
      assert.same({ "AUTH-02", "AUTH-01" }, { table.unpack(added["Password | reset"].dependencies) })
      assert.same({ "AUTH-04", 0 }, { by_id["AUTH-04"].name, #by_id["AUTH-04"].dependencies })
      local b = by_id["B-1"]
      assert.same({ "Short", "Long text", 5, "needs-input" }, { b.name, b.description, b.priority, b.status })
      assert.matches("marked as blocked", b.pending_question.question)
    end)

    it("statuses however they are written", function()
      local rows, expected = { "| id | status |", "|---|---|" }, {}
      for written, status in pairs {
        done = "done", ["✅ Done"] = "done", ["**DONE**"] = "done", cancelled = "cancelled", ["in_progress"] = "todo",
        ["In Progress"] = "todo", ["not-started"] = "todo", TODO = "todo", pending = "todo", [""] = "todo",
        planning = "todo", blocked = "needs-input", failed = "failed", ["needs-qa"] = "needs-review",
        ["🔎 Needs QA"] = "needs-review",
      } do
        local id = "t" .. #rows
        rows[#rows + 1], expected[id] = ("| %s | %s |"):format(id, written), { written, status }
      end
      import("TASKS.md", table.concat(rows, "\n"))
      for id, found in pairs(list()) do
        assert.equal(expected[id][2], found.status, expected[id][1])
      end
    end)

    it("mistakes name file and line", function()
      local head = "text\n\n| id | status | title |\n|----|--------|-------|\n| a | todo | A |\n"
      for row, shown in pairs {
        ["| b | dnoe | B |"] = "unknown status 'dnoe'", ["| b | ✅ | B |"] = "unknown status '✅'",
        ["| a | todo | B |"] = "taken by", ["| b/../c | todo | B |"] = "refused",
        ["| b | todo | B | C |"] = "4 cells under 3 columns", ["| b | todo | B\27[0m |"] = "control characters",
      } do
        is_refused("TASKS.md", head .. row .. "\n", "TASKS.md line 6", shown, "nothing was imported")
      end
      is_refused("TASKS.md", head:gsub("title", "ID"), "TASKS.md line 3", "two columns are named 'id'")
      is_refused("TASKS.md", "# nothing\n", "no table with the columns id and status")
    end)

    it("from standard input, twice", function()
      local function again(...)
        return support.agentlua { "task", "import", "-", cwd = path, stdin = "| id | status |\n|-|-|\n| a | |\n", ... }
      end
      assert.equal("a\n", again().stdout)
      assert.matches("standard input line 3: id 'a' is taken", again().stderr)
      assert.same({ 0, "" }, { again("--skip-existing").code, again("--skip-existing").stdout })
    end)
  end)

  describe("of a workflow", function()
    it("names of dependencies, defaults, fields that are kept", function()
      local added = import("workflow.json", [[{"name": "ship", "version": 2, "tasks": [
        {"name": "Plan it", "priority": 0, "condition": ["a.md"], "type": "task_gen", "workflow": "plan.md"},
        {"name": "Build", "depends_on": ["plan it", "elsewhere"], "description": "all", "effort": "L"},
        {"name": "Check", "depends_on": "build", "type": "script", "script": "s/check.ps1", "optional": true}
      ]}]])
      local plan, build, check = added["Plan it"], added.Build, added.Check
      assert.same({ 0, "prompt_template", "recipes/prompts/plan.md", "ship", "a.md", true },
        { plan.priority, plan.type, plan.prompt, plan.workflow, plan.condition[1], plan.skip_analysis })
      assert.same({ plan.id, "elsewhere" }, { table.unpack(build.dependencies) })
      assert.same({ "all", "L", "prompt", "workflow", 50, false },
        { build.description, build.effort, build.type, build.category, build.priority, build.skip_analysis })
      assert.same({ build.id, "s/check.ps1", true, nil, "Check", "XS" },
        { check.dependencies[1], check.script_path, check.optional, check.skip_worktree, check.description,
          check.effort })
      assert.is_nil(check.depends_on)
    end)

    it("mistakes name the task", function()
      for tasks, shown in pairs {
        ['{"name": "a"}, {"name": "A"}'] = "task 2 of", ['{"name": "a"}, {}'] = 'has no "name"',
        ['{"name": "a", "depends_on": [5]}'] = "depends_on",
        ['{"name": "a", "type": "task_gen", "workflow": "../x.md"}'] = "leaves its directory",
        ['{"name": "a", "script": "/bin/x"}'] = "leaves its directory",
      } do
        is_refused("workflow.json", '{"name": "w", "tasks": [' .. tasks .. "]}", "workflow.json", shown)
      end
      is_refused("workflow.json", '{"tasks": [{"name": "a"}]}', "a workflow needs one")
    end)
  end)
end)
