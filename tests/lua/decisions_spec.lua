local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local support = require "support"

describe("decisions", function()
  local dir
  before_each(support.setup)
  before_each(function() dir = support.dir .. "/decisions" end)
  after_each(support.teardown)

  local function add(title, fields)
    local all = { title = title, context = "Why.", decision = "What." }
    for name, value in pairs(fields or {}) do all[name] = value end
    return assert(decisions.add(dir, all))
  end
  local function files(status) return core.fs.list(dir .. "/" .. status) or {} end

  it("add writes a file named by id and title, with dotbot's fields", function()
    local made = add("Use SQLite, not files!", { alternatives_considered = { { option = "files" } }, impact = "high" })
    assert.matches("^dec%-%x%x%x%x%x%x%x%x$", made.id)
    assert.same({ made.id .. "-use-sqlite-not-files.json" }, { table.unpack(files "proposed") })
    local kept = core.json.parse(core.fs.read(dir .. "/proposed/" .. files "proposed"[1]))
    assert.same({ made.id, "proposed", "high", "Why.", "What.", "files" },
      { kept.id, kept.status, kept.impact, kept.context, kept.decision, kept.alternatives_considered[1].option })
    for _, name in ipairs { "stakeholders", "related_task_ids", "related_decision_ids", "tags" } do
      assert.equal("[]", core.json.dump(kept[name]), name)
    end
    assert.is_number(core.time.parse_iso(kept.created_at))
    assert.equal(1, #(function() add("Other", { status = "accepted" }) return files "accepted" end)())
  end)

  it("what is missing or wrong is told, and nothing is written", function()
    for _, case in ipairs {
      { { title = "" }, "needs a title" }, { { context = " " }, "needs a context" },
      { { decision = 5 }, "needs a decision" }, { { status = "superseded" }, "proposed or accepted" },
      { { impact = "huge" }, "high, medium or low" },
    } do
      local all = { title = "t", context = "c", decision = "d" }
      for name, value in pairs(case[1]) do all[name] = value end
      local made, message, code = decisions.add(dir, all)
      assert.same({ nil, "EINVAL" }, { made, code })
      assert.matches(case[2], message)
    end
    assert.is_nil(core.fs.stat(dir))
  end)

  it("get finds by id and unique beginning, and nothing outside of the directory", function()
    local made = add "One"
    assert.equal("One", decisions.get(dir, made.id).title)
    assert.equal("One", decisions.get(dir, made.id:sub(5, 8)).title)
    add "Two"
    local _, _, code = decisions.get(dir, "dec-")
    assert.equal("ENOENT", code)
    for i = 1, 2 do
      assert(core.fs.write { path = ("%s/proposed/dec-0000000%d-x.json"):format(dir, i), content = "{}" })
    end
    assert.equal("EAMBIGUOUS", select(3, decisions.get(dir, "dec-000")))
    assert(core.fs.write { path = support.dir .. "/x.json", content = '{"title":"no"}' })
    for _, key in ipairs { "../x", "../../x.json", "dec-../../x", "", "*", "%" } do
      assert.is_nil(decisions.get(dir, key), key)
    end
    assert.equal("ENOENT", select(3, decisions.get(dir, "dec-zzzzzzzz")))
  end)

  it("a change of status moves the file and keeps fields that nobody here knows", function()
    local id = add("One", { extra = { deep = { 1, 2 } } }).id
    assert.equal("accepted", decisions.accept(dir, id).status)
    assert.same({ 0, 1 }, { #files "proposed", #files "accepted" })
    assert.equal("accepted", decisions.accept(dir, id).status) -- once more does nothing
    local gone = decisions.deprecate(dir, id, "too slow")
    assert.same({ "deprecated", "too slow", 2 }, { gone.status, gone.deprecated_reason, gone.extra.deep[2] })
    local _, message, code = decisions.accept(dir, id)
    assert.equal("ESTATE", code)
    assert.matches("is deprecated and cannot become accepted", message)
    local by = add("Two", { status = "accepted" }).id
    assert.equal(by, decisions.supersede(dir, id, by).superseded_by)
    assert.equal("superseded", decisions.get(dir, id).status)
    assert.equal("EINVAL", select(3, decisions.supersede(dir, by, by)))
    assert.equal("ENOENT", select(3, decisions.supersede(dir, by, "dec-zzzzzzzz")))
    assert.equal("accepted", decisions.get(dir, by).status)
  end)

  it("update merges fields, but not id and status: the directory says that", function()
    local id = add("One").id
    local changed = decisions.update(dir, id, { title = "New", id = "dec-ffffffff", status = "accepted" })
    assert.same({ "New", id, "proposed" }, { changed.title, changed.id, changed.status })
    assert.equal(1, #files "proposed")
  end)

  it("list: oldest first, of a status, with messages for files that are none", function()
    local first, second = add "First", add("Second", { status = "accepted" })
    decisions.update(dir, first.id, { created_at = "2026-01-01T00:00:00Z" })
    local all, problems = decisions.list(dir)
    assert.same({ "First", "Second" }, { all[1].title, all[2].title })
    assert.same({}, problems)
    assert.equal(second.id, decisions.list(dir, "accepted")[1].id)
    assert(core.fs.write { path = dir .. "/accepted/dec-0000000a-bad.json", content = "{" })
    assert(core.fs.write { path = dir .. "/accepted/dec-0000000b.json", content = "[]" })
    assert(core.fs.write { path = dir .. "/accepted/notes.json", content = "{}" })
    all, problems = decisions.list(dir)
    assert.same({ 2, 2 }, { #all, #problems })
    assert.matches("is not a decision", problems[1])
    assert.same({}, { table.unpack((decisions.list(support.dir .. "/nosuch"))) })
  end)

  it("a file that is there twice counts once, as the furthest", function()
    local id = add("One").id
    assert(core.fs.mkdir(dir .. "/accepted"))
    local name = files "proposed"[1]
    assert(core.fs.copy { from = dir .. "/proposed/" .. name, to = dir .. "/accepted/" .. name })
    assert.equal("accepted", decisions.get(dir, id).status)
    assert.equal(1, #decisions.list(dir))
  end)
end)

describe("agentlua decision", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.project() end)
  after_each(support.teardown)

  local function run(...) return support.agentlua { "decision", cwd = path, ... } end
  local function ok(...)
    local result = run(...)
    assert.equal(0, result.code, result.stderr)
    return (result.stdout:gsub("\n$", ""))
  end

  it("add, list, show, accept, supersede, deprecate", function()
    local one = ok("add", "Use SQLite", "--context", "Files are slow.", "--decision", "A data base.",
      "--alternative", "Redis: one more thing to run", "--tag", "storage")
    local two = ok("add", "Use files", "--context", "c", "--decision", "d", "--accepted")
    assert.matches(one .. "  proposed  Use SQLite", ok "list", 1, true)
    local shown = core.json.parse(ok("show", one, "--json"))
    assert.same({ "Redis", "one more thing to run", "storage" }, { shown.alternatives_considered[1].option,
      shown.alternatives_considered[1].reason_rejected, shown.tags[1] })
    assert.matches("decision +A data base", ok("show", one:sub(5)))
    assert.equal(one .. "  accepted", ok("accept", one))
    assert.equal(two .. "  superseded", ok("supersede", two, one))
    assert.equal(one .. "  deprecated", ok("deprecate", one, "--reason", "slow"))
    assert.equal("[]", ok("list", "--status", "accepted", "--json"))
    assert.is_true(core.fs.stat(path .. "/.agentlua/decisions/deprecated") ~= nil)
  end)

  it("in a run it is about the agent's task; another one can be named", function()
    local function task(name) return (support.agentlua({ "task", "add", name, cwd = path }).stdout:gsub("\n", "")) end
    local own, other = task "Own", task "Other"
    local env = { AGENTLUA_TASK_ID = own }
    local function about(...)
      local words = { "add", "T", "--context", "c", "--decision", "d", "--json", ... }
      local result = support.agentlua { "decision", cwd = path, env = env, table.unpack(words) }
      return core.json.parse(result.stdout).related_task_ids[1]
    end
    assert.equal(own, about())
    assert.equal(other, about("--task", "other"))
  end)

  it("with dotbot's tasks they are beside these", function()
    local tasks = path .. "/.bot/workspace/tasks"
    assert(core.fs.mkdir(tasks .. "/todo"))
    ok("add", "T", "--context", "c", "--decision", "d", "--tasks", ".bot/workspace/tasks")
    assert.equal(1, #core.fs.list(path .. "/.bot/workspace/decisions/proposed"))
    assert.is_nil(core.fs.stat(path .. "/.agentlua/decisions"))
  end)

  it("mistakes: exit 2 and a sentence", function()
    for _, words in ipairs {
      { "add", "T" }, { "add" }, { "show", "dec-ffffffff" }, { "accept", "nosuch" }, { "nosuch" }, {},
      { "list", "--status", "done" },
    } do
      local result = run(table.unpack(words))
      assert.equal(2, result.code)
      assert.matches("^agentlua: .", result.stderr)
      assert.falsy(result.stderr:find("traceback", 1, true))
    end
  end)
end)
