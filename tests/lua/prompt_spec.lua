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

  it("a section is dropped when its name is not empty, when it begins with ^", function()
    local template = "{{#X}}some: {{X}}{{/X}}{{^X}}none{{/X}}."
    assert.equal("some: 1.", prompt.render(template, { X = 1 }))
    for _, empty in ipairs { "", false } do assert.equal("none.", prompt.render(template, { X = empty })) end
    assert.equal("a\nb\n", prompt.render("a\n{{^X}}\nnone\n{{/X}}\nb\n", { X = "1" }))
  end)

  it("only the mark of a section that is alone in its line takes the line break with it", function()
    assert.equal("- 1\n- 2\n", prompt.render("- {{#X}}1{{/X}}\n- 2\n", { X = "y" }))
    assert.equal("- \n- 2\n", prompt.render("- {{#X}}1{{/X}}\n- 2\n", { X = "" }))
  end)

  it("a backslash before a tag makes it text", function()
    local vars = { A = "x" }
    assert.equal("{{A}} x {{#A}} {{/B}} {{> c}}",
      prompt.render("\\{{A}} {{A}} \\{{#A}} \\{{/B}} \\{{> c}}", vars))
    assert.equal("\\{{ }} \\n", prompt.render("\\{{ }} \\n", vars))
  end)

  it("what is empty is said as its default, and its section is dropped all the same", function()
    local opts = { defaults = { A = "nothing", B = "never" } }
    assert.equal("nothing/false/",
      prompt.render("{{A}}/{{B}}/{{#A}}x{{/A}}", { A = "", B = false }, "p", opts))
  end)

  it("an unknown name is an error that names its place and the nearest", function()
    local vars = { TASK_NAME = "x", TASK_ID = "y" }
    fails("a\n\n{{TASK_NAM}}", vars, "execute.md:3: unknown name {{TASK_NAM}}", "nearest is {{TASK_NAME}}")
    fails("{{#TSK_ID}}x{{/TSK_ID}}", vars, "execute.md:1:", "{{TSK_ID}}", "{{TASK_ID}}")
    fails("{{X}}", {}, "{{X}}")
    fails("{{#A}}{{X}}{{/A}}", { A = "" }, "{{X}}") -- also where it is not needed now
  end)

  it("a value that is no text is an error", function()
    fails("{{A}}", { A = { "x" } }, "execute.md:1: {{A}} is a table, not text")
  end)

  it("a section that does not end, or does not begin, is an error with its line", function()
    fails("a\n{{#A}} b", { A = "" }, "execute.md:2: {{#A}} is only one end")
    fails("a {{^A}} b", { A = "" }, "{{^A}}")
    fails("a {{/A}} b", { A = "" }, "{{/A}}")
    fails("{{#A}}{{#B}}{{/A}}{{/B}}", { A = "1", B = "1" }, "{{/A}}")
  end)

  describe("includes", function()
    local function render(files, vars)
      return prompt.render(files["top.md"], vars or {}, "top.md", { find = function(name)
        local text = files[name .. ".md"]
        return text and { path = name .. ".md", text = text }
      end })
    end
    local function problem(files, vars)
      local ok, found = pcall(render, files, vars)
      assert.is_false(ok)
      assert.equal("EPROMPT", found.code)
      return found.message
    end

    it("put another prompt in the place, with the same names", function()
      local files = { ["top.md"] = "a\n{{> part}}\nb {{>part}}", ["part.md"] = "<{{X}}>\n" }
      assert.equal("a\n<1>\nb <1>", render(files, { X = 1 }))
      assert.equal(".", render({ ["top.md"] = "{{#X}}{{> part}}{{/X}}.", ["part.md"] = "never" }, { X = "" }))
    end)

    it("are not read out of what is inserted", function()
      assert.equal("{{> part}}", render({ ["top.md"] = "{{X}}", ["part.md"] = "no" }, { X = "{{> part}}" }))
    end)

    it("a circle is an error that names it", function()
      local files = { ["top.md"] = "\n{{> one}}", ["one.md"] = "{{> two}}", ["two.md"] = "x\n{{> one}}" }
      assert.equal("two.md:2: prompts include each other: top.md -> one.md -> two.md -> one.md", problem(files))
    end)

    it("too deep, unknown, and mistakes inside are errors with their place", function()
      local files = { ["top.md"] = "{{> p1}}" }
      for i = 1, 40 do files[("p%d.md"):format(i)] = ("{{> p%d}}"):format(i + 1) end
      assert.matches("more than 16 deep", problem(files))
      assert.matches("^top.md:2: no prompt 'nosuch' for {{> nosuch}}", problem { ["top.md"] = "\n{{> nosuch}}" })
      assert.matches("^part.md:3: unknown name {{Y}}",
        problem({ ["top.md"] = "{{> part}}", ["part.md"] = "\n\n{{Y}}" }))
      assert.matches("^part.md:1: {{/X}} is only one end", -- a section begins and ends in one file
        problem({ ["top.md"] = "{{#X}}{{> part}}", ["part.md"] = "{{/X}}" }, { X = 1 }))
    end)
  end)
end)
