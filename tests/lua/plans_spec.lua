local core = require "agentlua.core"
local plans = require "agentlua.task.plans"
local support = require "support"

describe("plans", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("are found by the name of the task's file, whatever its status", function()
    local dir, task = support.dir .. "/plans", { file = "a-thing-12345678.json", status = "todo" }
    assert.is_nil(plans.get(dir, task))
    assert.equal(dir .. "/a-thing-12345678-plan.md", plans.set(dir, task, "One.\n"))
    assert(plans.set(dir, task, "Two.\n"))
    task.status = "analysing"
    assert.equal("Two.\n", plans.get(dir, task))
    local path, message, code = plans.set(dir, task, " \n")
    assert.same({ nil, "EINVAL" }, { path, code })
    assert.matches("empty", message)
    assert.equal("Two.\n", plans.get(dir, task))
  end)

  it("a link in the place of a plan is replaced, not written through", function()
    local dir, task = support.dir .. "/plans", { file = "a.json" }
    assert(core.fs.mkdir(dir))
    local victim = support.write("victim", "mine")
    assert(os.execute(("ln -s '%s' '%s/a-plan.md'"):format(victim, dir)))
    assert(plans.set(dir, task, "plan"))
    assert.equal("mine", core.fs.read(victim))
    assert.equal("plan", plans.get(dir, task))
  end)

  describe("agentlua task plan", function()
    local path, id
    before_each(function()
      path = support.project()
      id = support.agentlua({ "task", "add", "A thing", cwd = path }).stdout:gsub("\n", "")
    end)
    local function plan(...)
      local words = { ... }
      local stdin = type(words[#words]) == "table" and table.remove(words).stdin or nil
      return support.agentlua { "task", "plan", cwd = path, stdin = stdin, table.unpack(words) }
    end

    it("sets from a file or standard input, and shows, in every status", function()
      local none = plan(id)
      assert.equal(2, none.code)
      assert.matches("has no plan; agentlua task plan .* %-%-file FILE", none.stderr)
      local set = plan(id, "--file", support.write("plan.md", "# Plan\n"))
      assert.same({ 0, path .. ("/.agentlua/plans/a-thing-%s-plan.md\n"):format(id:sub(1, 8)) },
        { set.code, set.stdout })
      local kept = core.json.parse(support.agentlua({ "task", "show", id, "--json", cwd = path }).stdout)
      assert.equal(("%s/%s"):format(path, kept.plan_path), (set.stdout:gsub("\n", "")))
      for _, change in ipairs { "done", "reopen", "skip", "reopen", "cancel" } do
        assert.equal(0, support.agentlua({ "task", change, id, cwd = path }).code)
        assert.equal("# Plan\n", plan(id).stdout, change)
      end
      assert.equal(0, plan(id, "--file", "-", { stdin = "Other.\n" }).code)
      local shown = core.json.parse(plan(id, "--json").stdout)
      assert.same({ true, "Other.\n", id }, { shown.has_plan, shown.content, shown.task })
    end)

    it("mistakes: exit 2, and the plan stays", function()
      plan(id, "--file", support.write("plan.md", "# Plan\n"))
      assert.equal(2, plan(id, "--file", support.write("empty.md", "\n")).code)
      assert.equal(2, plan(id, "--file", support.dir .. "/nosuch").code)
      assert.equal(2, plan("nosuch").code)
      assert.equal("# Plan\n", plan(id).stdout)
    end)
  end)
end)
