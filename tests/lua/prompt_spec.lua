local json = require("agentlua").json
local errors = require "agentlua.errors"
local prompt = require "agentlua.prompt"

describe("prompt", function()
  local function fails(template, vars, ...)
    local ok, problem = pcall(prompt.render, template, vars, "execute.md")
    assert.is_false(ok)
    assert.is_true(errors.is(problem))
    assert.same({ "EPROMPT", 2 }, { problem.code, problem.exit })
    for _, text in ipairs { "execute.md", ... } do
      assert.truthy(problem.message:find(text, 1, true), problem.message)
    end
  end

  it("inserts text as it is: nothing in it is looked at again", function()
    for _, text in ipairs {
      "{{TASK_ID}}", "{{#TASK_ID}}x{{/TASK_ID}}", "{{/A}}", "%1", "%%", "%0%", "$1", "\\1", "$(id)",
      "`id`", "a\0b", "\xff", "line\nline\n", "",
    } do
      assert.equal("<" .. text .. ">", prompt.render("<{{A}}>", { A = text, TASK_ID = "secret" }))
    end
  end)

  it("inserts numbers and booleans, everywhere that they are named", function()
    local vars = { N = 1, B = true, F = 1.5 }
    assert.equal("1 true 1.5 1", prompt.render("{{N}} {{B}} {{F}} {{N}}", vars))
  end)

  it("leaves other braces and signs of the template alone", function()
    local template = "{ {x} {{ x }} {{}} {{a b}} } % %1 $1 \\n"
    assert.equal(template, prompt.render(template, {}))
  end)

  it("keeps a section when its name is not empty, with the line breaks around it", function()
    local template = "a\n{{#X}}\n[{{X}}]\n{{/X}}\nb\n"
    assert.equal("a\n[1]\nb\n", prompt.render(template, { X = "1" }))
    assert.equal("a\nb\n", prompt.render(template, { X = "" }))
    assert.equal("a\nb\n", prompt.render(template, { X = false }))
    assert.equal("yes", prompt.render("{{#X}}yes{{/X}}", { X = 0 }))
  end)

  it("sections nest", function()
    local template = "{{#A}}a{{#B}}b{{/B}}{{/A}}."
    assert.equal("ab.", prompt.render(template, { A = 1, B = 1 }))
    assert.equal("a.", prompt.render(template, { A = 1, B = "" }))
    assert.equal(".", prompt.render(template, { A = "", B = 1 }))
  end)

  it("text with the mark of a section does not end one", function()
    assert.equal("[{{/X}}]", prompt.render("{{#X}}[{{X}}]{{/X}}", { X = "{{/X}}" }))
  end)

  it("an unknown name is an error that names the nearest", function()
    local vars = { TASK_NAME = "x", TASK_ID = "y" }
    fails("{{TASK_NAM}}", vars, "{{TASK_NAM}}", "nearest is {{TASK_NAME}}")
    fails("{{#TSK_ID}}x{{/TSK_ID}}", vars, "{{TSK_ID}}", "{{TASK_ID}}")
    fails("{{X}}", {}, "{{X}}")
  end)

  it("a section that does not end, or does not begin, is an error", function()
    fails("a {{#A}} b", { A = "" }, "{{#A}}")
    fails("a {{/A}} b", { A = "" }, "{{/A}}")
    fails("{{#A}}{{#B}}{{/A}}{{/B}}", { A = "1", B = "1" }, "{{")
  end)

  describe("of a task", function()
    local task = {
      id = "t1", name = "Fix {{it}}", description = "%1", priority = 3,
      acceptance_criteria = { "one", "two\nlines" }, steps = json.array(), files = "src/x.c",
      questions_resolved = { { question = "Which?", answer = "That." } },
      analysis = { summary = "look" },
    }

    it("fields become text", function()
      local vars = prompt.task_vars(task)
      assert.same({ "t1", "Fix {{it}}", "%1", "3" },
        { vars.TASK_ID, vars.TASK_NAME, vars.TASK_DESCRIPTION, vars.TASK_PRIORITY })
      assert.equal("- one\n- two\nlines", vars.ACCEPTANCE_CRITERIA)
      assert.same({ "", "src/x.c" }, { vars.TASK_STEPS, vars.TASK_FILES })
      assert.equal("- Q: Which?\n  A: That.", vars.QUESTIONS_RESOLVED)
      assert.same({ summary = "look" }, json.parse(vars.ANALYSIS))
      assert.equal("Fix {{it}} %1", prompt.render("{{TASK_NAME}} {{TASK_DESCRIPTION}}", vars))
    end)

    it("what is missing, null or of another type is empty", function()
      local odd = {
        id = "t2", name = "x", description = json.null, acceptance_criteria = json.null, steps = 5,
        analysis = json.null,
        questions_resolved = { 5, "text", json.null, { question = json.null } },
      }
      for _, vars in ipairs { prompt.task_vars { id = "t2", name = "x" }, prompt.task_vars(odd) } do
        for _, name in ipairs {
          "TASK_DESCRIPTION", "ACCEPTANCE_CRITERIA", "TASK_STEPS", "ANALYSIS",
        } do
          assert.equal("", vars[name], name)
        end
      end
    end)

    it("more names can be given, and win", function()
      local vars = prompt.task_vars(task, { TASK_NAME = "other", BRANCH_NAME = "b" })
      assert.same({ "other", "b" }, { vars.TASK_NAME, vars.BRANCH_NAME })
    end)
  end)
end)
