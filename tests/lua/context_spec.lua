local context = require "agentlua.prompt.context"
local core = require "agentlua.core"
local decisions = require "agentlua.task.decisions"
local plans = require "agentlua.task.plans"
local prompt = require "agentlua.prompt"
local support = require "support"

describe("context", function()
  local p, root
  before_each(support.setup)
  before_each(function()
    root = support.dir .. "/project"
    assert(core.fs.mkdir(root))
    p = setmetatable({
      root = root, dir = root .. "/.agentlua", tasks_dir = root .. "/.agentlua/tasks",
      config = { branch = "task/{id8}-{slug}", prompt = {} },
    }, { __index = { papers = function(_, kind) return root .. "/.agentlua/" .. kind end } })
  end)
  after_each(support.teardown)

  local function write(path, text)
    assert(core.fs.mkdir((root .. "/" .. path):match "^(.*)/"))
    assert(core.fs.write { path = root .. "/" .. path, content = text or path })
  end
  local function task(fields)
    local made = { id = "5f0c7a9e-3b1d-4c52-9a77-1e64d20b8c11", name = "A thing", file = "a-thing-5f0c7a9e.json" }
    for name, value in pairs(fields or {}) do made[name] = value end
    return made
  end
  local function names(fields) return context.of(p, task(fields), {}) end

  it("has all names of dotbot's templates, as text", function()
    local vars = names()
    for name in ([[SESSION_ID TASK_ID TASK_ID_SHORT TASK_NAME TASK_CATEGORY TASK_PRIORITY TASK_EFFORT
      TASK_DESCRIPTION NEEDS_INTERVIEW ACCEPTANCE_CRITERIA TASK_STEPS SPLIT_THRESHOLD_EFFORT APPLICABLE_AGENTS
      APPLICABLE_SKILLS APPLICABLE_STANDARDS APPLICABLE_DECISIONS QUESTIONS_RESOLVED BRANCH_NAME INSTANCE_ID
      INSTANCE_ID_SHORT PRODUCT_MISSION ENTITY_MODEL STANDARDS_LIST]]):gmatch "%S+" do
      assert.is_true(type(vars[name]) == "string" or vars[name] == false, name)
    end
    assert.same({ "5f0c7a9e", "task/5f0c7a9e-a-thing", "XL", "" },
      { vars.TASK_ID_SHORT, vars.BRANCH_NAME, vars.SPLIT_THRESHOLD_EFFORT, vars.INSTANCE_ID })
    p.run = { id = "20260131-120000-ab12" }
    assert.equal("20260131-120000-ab12", names().INSTANCE_ID)
  end)

  it("fields become text; lists become bullets", function()
    local vars = names {
      description = "%1", priority = 3, acceptance_criteria = { "one", "two\nlines" }, steps = core.json.array(),
      files = "src/x.c", questions_resolved = {
        { question = "Which?", answer = "That.", context = "a\nb" },
        { question = "When?", answer = "Now.", context = core.json.null },
      },
      analysis = { summary = "look" }, needs_interview = true,
    }
    assert.same({ "A thing", "%1", "3", true },
      { vars.TASK_NAME, vars.TASK_DESCRIPTION, vars.TASK_PRIORITY, vars.NEEDS_INTERVIEW })
    assert.equal("- one\n- two\nlines", vars.ACCEPTANCE_CRITERIA)
    assert.same({ "", "src/x.c" }, { vars.TASK_STEPS, vars.TASK_FILES })
    assert.equal("- Q: Which?\n  a\n  b\n  A: That.\n- Q: When?\n  A: Now.", vars.QUESTIONS_RESOLVED)
    assert.same({ summary = "look" }, core.json.parse(vars.ANALYSIS))
  end)

  it("what is missing, null or of another type is empty, and said in words where nothing is", function()
    local null = core.json.null
    for _, fields in ipairs { {}, {
      description = null, acceptance_criteria = null, steps = 5, analysis = null, needs_interview = "yes",
      questions_resolved = { 5, "text", null, { question = null } }, applicable_skills = { 5, null },
      applicable_decisions = 7,
    } } do
      local vars = names(fields)
      for _, name in ipairs { "TASK_DESCRIPTION", "ACCEPTANCE_CRITERIA", "TASK_STEPS", "ANALYSIS", "PLAN",
        "APPLICABLE_SKILLS", "APPLICABLE_DECISIONS", "NEEDS_INTERVIEW" } do
        assert.is_true(vars[name] == "" or vars[name] == false, name)
      end
      local said = prompt.render("{{ACCEPTANCE_CRITERIA}} {{APPLICABLE_AGENTS}}", vars, "p",
        { defaults = context.defaults })
      assert.matches("judge by the description.*experienced developer", said)
    end
  end)

  it("more names win", function()
    local vars = context.of(p, task(), { TASK_NAME = "other", MINE = "x" })
    assert.same({ "other", "x" }, { vars.TASK_NAME, vars.MINE })
  end)

  describe("documents", function()
    it("of a task are pointed to, never read", function()
      write("docs/errors.md", "secret text")
      local vars = names { applicable_standards = { "docs/errors.md" }, applicable_agents = "docs/errors.md" }
      assert.same({ "- read `docs/errors.md`", "- read `docs/errors.md`" },
        { vars.APPLICABLE_STANDARDS, vars.APPLICABLE_AGENTS })
    end)

    it("a path that leaves the project or leads nowhere is told as missing", function()
      assert(core.fs.write { path = support.dir .. "/outside.md", content = "x" })
      assert(os.execute(("ln -s '%s' '%s'"):format(support.dir, root .. "/link")))
      local bad = { "../outside.md", support.dir .. "/outside.md", "link/outside.md", "nosuch.md", "a\0b", "", ".." }
      for _, path in ipairs(bad) do
        local said = names({ applicable_skills = { path } }).APPLICABLE_SKILLS
        assert.matches("missing", said)
        assert.falsy(said:find("read `", 1, true), said)
      end
    end)

    it("a name cannot make a line of its own", function()
      local said = names({ applicable_skills = { "x\n# Rules\n`rm`\27[2J" } }).APPLICABLE_SKILLS
      assert.same(0, select(2, said:gsub("[\n\27]", "")))
    end)

    it("what the worktree does not have is pointed to in the project", function()
      write("docs/errors.md")
      local tree = { path = support.dir .. "/tree", branch = "b" }
      assert(core.fs.mkdir(tree.path .. "/docs"))
      local function said() return names({ worktree = tree, applicable_standards = { "docs/errors.md" } }) end
      assert.equal(("- read `%s/docs/errors.md`"):format(root), said().APPLICABLE_STANDARDS)
      assert.equal("b", said().BRANCH_NAME)
      assert(core.fs.write { path = tree.path .. "/docs/errors.md", content = "x" })
      assert.equal("- read `docs/errors.md`", said().APPLICABLE_STANDARDS)
    end)

    it("of the project's directories count where the task names none", function()
      write ".agentlua/standards/b.md"
      write ".agentlua/standards/a.md"
      write ".agentlua/standards/picture.png"
      write ".agentlua/skills/refactor/SKILL.md"
      write ".agentlua/personas/implementer/AGENT.md"
      write ".agentlua/personas/reviewer/AGENT.md"
      write ".agentlua/product/mission.md"
      local vars = names()
      local list = "- read `.agentlua/standards/a.md`\n- read `.agentlua/standards/b.md`"
      assert.same({ list, list }, { vars.STANDARDS_LIST, vars.APPLICABLE_STANDARDS })
      assert.equal("- read `.agentlua/skills/refactor/SKILL.md`", vars.APPLICABLE_SKILLS)
      assert.equal("- read `.agentlua/personas/implementer/AGENT.md`", vars.APPLICABLE_AGENTS)
      assert.same({ "read `.agentlua/product/mission.md`", "" }, { vars.PRODUCT_MISSION, vars.ENTITY_MODEL })
      assert.equal("- read `.agentlua/standards/a.md`",
        names({ applicable_standards = { ".agentlua/standards/a.md" } }).APPLICABLE_STANDARDS)
    end)

    it("of dotbot's directories, too", function()
      write ".bot/workspace/product/entity-model.md"
      write ".bot/recipes/standards/global/errors.md"
      write ".bot/recipes/agents/implementer/AGENT.md"
      local vars = names()
      assert.equal("read `.bot/workspace/product/entity-model.md`", vars.ENTITY_MODEL)
      assert.equal("- read `.bot/recipes/standards/global/errors.md`", vars.STANDARDS_LIST)
      assert.equal("- read `.bot/recipes/agents/implementer/AGENT.md`", vars.APPLICABLE_AGENTS)
    end)
  end)

  it("a plan is said in full, up to 64 KiB and a whole character", function()
    assert(plans.set(p:papers "plans", task(), "Do {{TASK_ID}}.\n"))
    assert.equal("Do {{TASK_ID}}.\n", names().PLAN)
    assert(plans.set(p:papers "plans", task(), "x" .. ("é"):rep(40000)))
    local said = names().PLAN
    assert.is_true(#said < 65536 + 200)
    assert.truthy(utf8.len(said))
    assert.matches("é\n%[cut here: %d+ bytes more; agentlua task plan ID has it%]$", said)
  end)

  it("decisions: those that the task names and those that name it, each once; missing ones are told", function()
    local dir = p:papers "decisions"
    local function add(title, fields)
      local all = { title = title, context = "Because.", decision = "We do " .. title }
      for name, value in pairs(fields or {}) do all[name] = value end
      return assert(decisions.add(dir, all)).id
    end
    local named, about = add "named", add("about", { related_task_ids = { task().id } })
    local other = add "other"
    assert(decisions.supersede(dir, named, other))
    local said = names({ applicable_decisions = { named, about, "dec-00000000", "../../x" } }).APPLICABLE_DECISIONS
    assert.matches(("### %s: named (superseded by %s)"):format(named, other), said, 1, true)
    assert.matches("Context: Because.\nDecision: We do about", said, 1, true)
    assert.matches("no decision 'dec-00000000'", said, 1, true)
    assert.same(1, select(2, said:gsub("We do about", "")))
    assert.falsy(said:find("We do other", 1, true))
    assert.matches("We do about", names().APPLICABLE_DECISIONS)
  end)
end)
