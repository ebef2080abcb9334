local core = require "agentlua.core"
local support = require "support"

describe("agentlua task: questions and splits", function()
  local path, id
  before_each(support.setup)
  before_each(function()
    path = support.project()
    id = support.agentlua({ "task", "add", "A thing", "--priority", "7", cwd = path }).stdout:gsub("\n", "")
  end)
  after_each(support.teardown)

  local function task(...) return support.agentlua { "task", cwd = path, ... } end
  local function ok(...)
    local result = task(...)
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end
  local function show(key) return core.json.parse(ok("show", key or id, "--json")) end

  it("an answer by the key of an option is kept in the words of the option; the task goes on", function()
    ok("ask", id, "Which colour?", "--option", "red", "blue", "--context", "It is for the door.")
    local asked = show()
    assert.equal("needs-input", asked.status)
    assert.same({ "A", "red" }, { asked.pending_question.options[1].key, asked.pending_question.options[1].label })
    assert.equal("todo\n", ok("answer", id, "b"))
    local answered = show()
    assert.equal("todo", answered.status)
    assert.equal(core.json.null, answered.pending_question)
    local resolved = answered.questions_resolved[1]
    assert.same({ "Which colour?", "B - blue", "option" }, { resolved.question, resolved.answer, resolved.answer_type })
  end)

  it("several questions are answered one by one, by id or in turn", function()
    ok("ask", id, "One?", "Two?", "Three?")
    local ids = {}
    for i, question in ipairs(show().pending_questions) do ids[i] = question.id end
    assert.equal(3, #ids)
    local log = support.agentlua({ "log", "--task", id, cwd = path }).stdout
    for _, text in ipairs { "One?", "Two?", "Three?" } do
      assert.truthy(log:find("question        question=" .. text, 1, true), log)
    end
    assert.matches("2 left", ok("answer", id, "second", "--question", ids[2]))
    assert.equal("needs-input", show().status)
    assert.matches("1 left: Three", ok("answer", id, "first"))
    assert.equal("todo\n", ok("answer", id, "third"))
    local task_now = show()
    assert.is_true(task_now.all_questions_answered)
    assert.equal(0, #task_now.pending_questions)
    assert.equal(3, #task_now.questions_resolved)
  end)

  it("what has an analysis goes back to analysed, and an answered task comes first", function()
    ok("add", "Another", "--priority", "1")
    support.write("analysis.txt", "Change one file.\n")
    ok("analysed", id, support.dir .. "/analysis.txt")
    assert.equal("Change one file.\n", show().analysis.summary)
    ok("ask", id, "Sure?")
    assert.equal("analysed\n", ok("answer", id, "yes"))
    assert.matches("^" .. id:gsub("%-", "%%-"), ok("next"))
  end)

  it("skipping is a flag of the answer, not read out of its words", function()
    ok("ask", id, "How?", "--option", "Reuse the already existing client", "Skip task")
    ok("answer", id, "A")
    assert.equal("todo", show().status)
    ok("ask", id, "And now?")
    assert.equal("skipped\n", ok("answer", id, "not needed", "--skip"))
    assert.equal(1, #show().skip_history)
  end)

  it("mistakes: nothing asked, an unknown question, a wrong status", function()
    assert.matches("is in todo, not in needs%-input", task("answer", id, "x").stderr)
    ok("ask", id, "One?")
    local result = task("answer", id, "x", "--question", "nosuch")
    assert.same({ 2, "needs-input" }, { result.code, show().status })
    assert.matches("waits with no question 'nosuch'", result.stderr)
    assert.matches("has no split to decide on", task("approve", id).stderr)
    ok("done", id)
    assert.matches("is in done", task("ask", id, "More?").stderr)
  end)

  it("a split adds the parts in the place of the task; dependants wait for them", function()
    local after = ok("add", "After", "--depends", id):gsub("\n", "")
    local parts = {}
    for part in ok("split", id, "Part one", "Part two", "--reason", "too big"):gmatch "[^\n]+" do
      parts[#parts + 1] = part
    end
    assert.equal(2, #parts)
    local parent, part = show(), show(parts[1])
    assert.same({ "split", parts[1], "too big" }, { parent.status, parent.child_tasks[1], parent.split_reason })
    assert.same({ "Part one", 7, id, "Sub-task of: A thing" },
      { part.name, part.priority, part.parent_task_id, part.description })
    assert.matches("'Part one'", ok("next", "--why", "--json"))
    ok("done", parts[1])
    assert.matches("After", ok("next", "--why"))
    ok("done", parts[2])
    assert.matches("^" .. after:gsub("%-", "%%-"), ok("next"))
  end)

  it("a proposed split is approved, or rejected and picked up again", function()
    local function propose(key)
      ok("edit", key, 'split_proposal={"reason":"big","sub_tasks":[{"name":"P1"},{"name":"P2","effort":"S"}]}')
    end
    propose(id)
    assert.equal("todo\n", ok("reject", id, "--reason", "It is small."))
    local rejected = show()
    assert.equal("rejected", rejected.split_proposal.status)
    assert.equal("No, do it as one task. It is small.", rejected.questions_resolved[1].answer)
    assert.matches("^" .. id:gsub("%-", "%%-"), ok("next"))
    propose(id)
    assert.equal(2, select(2, ok("approve", id):gsub("\n", "")))
    assert.same({ "split", "approved" }, { show().status, show().split_proposal.status })
  end)

  it("inside a run they are claims: noted, and nothing moves", function()
    local run = path .. "/.agentlua/runs/r1"
    assert(core.fs.mkdir(run))
    assert(core.fs.append { path = run .. "/control.jsonl", text = "" })
    local env = { AGENTLUA_RUN_ID = "r1", AGENTLUA_TASK_ID = id }
    for _, words in ipairs { { "ask", id, "Why?" }, { "split", id, "One" }, { "skip", id }, { "done", id } } do
      local result = support.agentlua { "task", cwd = path, env = env, table.unpack(words) }
      assert.matches("judged when you end", result.stdout)
    end
    assert.equal("todo", show().status)
    local orders = select(2, core.fs.read(run .. "/control.jsonl"):gsub("\n", ""))
    assert.equal(4, orders)
  end)
end)
