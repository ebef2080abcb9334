local al = require "agentlua"
local support = require "support"

describe("prompts", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function ok(...)
    local result = w:al(...)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return result.stdout
  end
  local function analyse(agent) return ok("run", "analyse.lua", "--agent", w:agent(agent)) end
  local function has(text, ...)
    for _, part in ipairs { ... } do
      assert.truthy(text:find(part, 1, true), "no '" .. part .. "' in: " .. text)
    end
  end
  -- What the n-th attempt on a task was told.
  local function told(id, n)
    local attempt = w:task(id).attempts[n]
    return w:read((".agentlua/runs/%s/%s/%d.prompt.md"):format(attempt.run, w:task(id).id8, n))
  end

  describe("interview", function()
    it("goes round by round, answers in any order; all of it reaches the agent that does the task", function()
      local id = w:add("Download more", "--description", "Keep $1, $& and {{TASK_ID}}.")
      ok("task", "edit", id, "needs_interview=true")
      analyse "interview"
      local asked = w:task(id)
      assert.equal("needs-input", asked.status)
      local ids = {}
      for i, question in ipairs(asked.pending_questions) do ids[i] = question.id end
      assert.equal(3, #ids)
      assert.equal("A", asked.pending_questions[1].recommendation)
      assert.equal(3, #w:events "question")
      has(told(id, 1), "## Interview first", "Keep $1, $& and {{TASK_ID}}.")

      ok("task", "answer", id, "b", "--question", ids[3])
      ok("task", "answer", id, "as fast as it goes", "--question", ids[2])
      assert.equal("needs-input", w:task(id).status)
      assert.equal("todo\n", ok("task", "answer", id, "A"))
      analyse "interview"
      local second = told(id, 2)
      has(second, "Q: How many?\n  The server counts.\n  A: A - three", "Q: How fast?\n  A: as fast as it goes",
        "Q: Which errors?\n  A: B - all")
      assert.equal("Where to?", w:task(id).pending_question.question)

      ok("task", "answer", id, "to disk")
      analyse "interview"
      has(told(id, 3), "A: A - three", "Q: Where to?\n  A: to disk")
      assert.equal("analysed", w:task(id).status)
      assert.matches("^%.agentlua/plans/", w:task(id).plan_path)

      local result = w:run "interview"
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local prompt = w:read "prompt.txt"
      has(prompt, "Keep $1, $& and {{TASK_ID}}.", "A: B - all", "A: to disk", "A policy object.",
        "# Plan\n\nFirst the tests.", ": Downloads go to disk (proposed)", "Decision: Stream them.")
      assert.falsy(prompt:find("## Interview", 1, true))
    end)

    it("a split that an agent proposes is approved: its parts are tasks, with what was said of them", function()
      local id = w:add "Two things"
      analyse "splits"
      assert.equal("two features", w:task(id).split_proposal.reason)
      local parts = {}
      for part in ok("task", "approve", id):gmatch "%S+" do parts[#parts + 1] = w:task(part) end
      assert.equal("split", w:task(id).status)
      assert.same({ "Part one", "The first half.", "S", id },
        { parts[1].name, parts[1].description, parts[1].effort, parts[1].parent_task_id })
      assert.equal("Part two", parts[2].name)
    end)

    it("or is rejected: the task is analysed again and knows it", function()
      local id = w:add "Two things"
      analyse "splits"
      ok("task", "reject", id, "--reason", "It is small.")
      analyse "splits"
      has(told(id, 2), "Q: May this task be split? two features", "A: No, do it as one task. It is small.")
      assert.same({ "analysed", "One piece.\n" }, { w:task(id).status, w:task(id).analysis.summary })
    end)
  end)

  describe("agentlua prompt", function()
    it("prints what is sent, and changes nothing", function()
      local id = w:add("A thing", "--description", "{{TASK_ID}} $& %1", "--accept", "it works", "--files", "src/f1.txt")
      w:git("add", "-A")
      local function state() return w:command({ "sh", "-c", "find . -type f | sort | xargs sha256sum" }).stdout end
      local before = state()
      local shown = ok("prompt", "execute", id)
      has(shown, "{{TASK_ID}} $& %1", "- it works", "- src/f1.txt", "task/" .. id:sub(1, 8) .. "-a-thing",
        "Messages of the operator")
      assert.equal(shown, ok("prompt", "execute.md", "a-thing"))
      local analysis = ok("prompt", "analyse", id)
      assert.equal(before, state())
      analyse "edit"
      assert.equal(analysis, told(id, 1))
      ok("task", "restart", id)
      ok("task", "edit", id, "analysis={}")
      w:run "edit"
      assert.equal(shown, told(id, 2))
    end)

    it("--names says what templates may use", function()
      local id = w:add("A thing", "--description", "one\ntwo")
      w:config 'prompt = { HOUSE_RULE = "no tabs" }'
      local names = ok("prompt", "execute", id, "--names")
      assert.matches("\nHOUSE_RULE +no tabs\n", names)
      assert.matches("\nTASK_DESCRIPTION +one %.%.%.\n", names)
      local all = al.json.parse(ok("prompt", "execute", id, "--names", "--json"))
      assert.same({ "A thing", "no tabs" }, { all.TASK_NAME, all.HOUSE_RULE })
    end)

    it("mistakes: exit 2, a sentence with place and nearest name", function()
      local id = w:add "A thing"
      w:write(".agentlua/prompts/own.md", "line\n{{TASK_NAM}}\n")
      w:write(".agentlua/prompts/round.md", "{{> circle}}\n")
      w:write(".agentlua/prompts/circle.md", "{{> round}}\n")
      for words, message in pairs {
        [{ "nosuch", id }] = "no prompt 'nosuch.md'", [{ "execute", "nosuch" }] = "nosuch",
        [{ "../config", id }] = "is not the name of a prompt",
        [{ "own", id }] = ".agentlua/prompts/own.md:2: unknown name {{TASK_NAM}}; the nearest is {{TASK_NAME}}",
        [{ "round", id }] = "prompts include each other",
      } do
        local result = w:al("prompt", table.unpack(words))
        assert.equal(2, result.code)
        has(result.stderr, message)
        assert.falsy(result.stderr:find("traceback", 1, true))
      end
    end)

    it("the user's copies win, also of what is included; dotbot's names work", function()
      local id = w:add("A thing", "--accept", "x")
      w:write(".agentlua/prompts/steering.md", "Mine: {{TASK_ID_SHORT}}.\n")
      local shown = ok("prompt", "execute", id)
      has(shown, "Mine: " .. id:sub(1, 8) .. ".")
      assert.falsy(shown:find("Messages of the operator", 1, true))
      w:write(".agentlua/prompts/own.md", [[
{{SESSION_ID}}{{INSTANCE_ID}}{{INSTANCE_ID_SHORT}}|{{TASK_NAME}}|{{NEEDS_INTERVIEW}}|{{SPLIT_THRESHOLD_EFFORT}}
{{TASK_STEPS}} {{APPLICABLE_AGENTS}} {{APPLICABLE_SKILLS}} {{APPLICABLE_STANDARDS}} {{APPLICABLE_DECISIONS}}
{{PRODUCT_MISSION}} {{ENTITY_MODEL}} {{STANDARDS_LIST}} {{STEERING_PROTOCOL}}
]])
      has(ok("prompt", "own", id), "|A thing|false|XL\n", "find your own", "no mission document",
        "no written standards")
    end)
  end)

  it("what changes while agents work counts from the next run on", function()
    w:write(".agentlua/prompts/execute.md", "First text.\n")
    local one, two = w:add("One", "--priority", "1"), w:add("Two", "--priority", "2")
    w:write("agent.sh", '#!/bin/sh\ncat >/dev/null\ndate >"$AGENTLUA_TASK_ID.txt"\n'
      .. 'echo "Second text." >"$AGENTLUA_ROOT/.agentlua/prompts/execute.md"\n', 493)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "./agent.sh").code)
    assert.same({ "First text.\n", "First text.\n" }, { told(one, 1), told(two, 1) })
  end)

  local reason = support.no_sandbox()
  if reason then return pending("plans and decisions from a sandbox: " .. reason) end

  it("an agent in the sandbox can plan and decide", function()
    w:config 'sandbox = "bwrap"'
    local id = w:add "A thing"
    ok("task", "edit", id, 'questions_resolved=[{"question":"Where to?","answer":"x"}]')
    analyse "interview"
    has(ok("task", "plan", id), "First the tests.")
    has(ok("decision", "list"), "Downloads go to disk")
    assert.equal("A policy object.", w:task(id).analysis.implementation.approach)
  end)
end)
