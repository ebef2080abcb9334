local al = require "agentlua"
local names = require "hostile_names"

describe("hostile text", function()
  local w
  after_each(function()
    names.sound(w)
    w:close()
  end)

  it("as name, description and more of an added task stays text until the work has landed", function()
    w = names.world()
    local ids = {}
    for i, text in ipairs(names.texts) do
      local options = { "--description=" .. text, "--category=" .. text, "--accept=" .. text, "--files=" .. text }
      ids[i] = w:add(options[1], options[2], options[3], options[4], "--", text)
    end
    names.look(w, table.unpack(ids))
    names.all_land(w)
    names.look(w, table.unpack(ids))
    assert.equal(#names.texts, w:count "done")
    assert.falsy(w:git("log", "--format=%s"):find "[\0-\9\11-\31\127]")
    for i, text in ipairs(names.texts) do
      local task = w:task(ids[i])
      local prompt = w:read((".agentlua/runs/%s/%s/1.prompt.md"):format(task.attempts[1].run, task.id8))
      assert.truthy(not utf8.len(text) or prompt:find(text, 1, true), "not in the prompt: " .. text)
    end
  end)

  it("as name in an import is taken when it is one line of text, else nothing is imported", function()
    w = names.world()
    names.changes_nothing(w, function()
      for _, text in ipairs(names.texts) do
        if not names.is_line(text) and utf8.len(text) then
          local result = names.import(w, { { name = "well" }, { name = text } })
          names.refused(result, 2, "task 2 of", '"name"', "nothing was imported")
        end
      end
    end)
    for i, text in ipairs(names.texts) do
      local one = { id = "t" .. i, name = text, slug = text, touches = { text }, resources = { text } }
      if names.is_line(text) then assert.equal(0, names.import(w, { one }).code, text) end
    end
    names.look(w)
    names.all_land(w)
  end)

  it("of a megabyte does not stop anything", function()
    w = names.world()
    local long = ("long "):rep(200000)
    assert.equal(0, names.import(w, { { id = "big", name = long, description = long } }).code)
    names.look(w, "big")
    names.all_land(w)
    names.refused(names.import(w, { { id = long, name = "x" } }), 2, "has the id 'long long", "at most 128")
  end)

  it("as id in an import is a safe name, or nothing is imported", function()
    w = names.world()
    names.changes_nothing(w, function()
      for _, text in ipairs { "", names.nul, table.unpack(names.texts) } do
        if not names.is_id(text) and utf8.len(text) then
          names.refused(names.import(w, { { name = "well" }, { id = text, name = "x" } }), 2, "task 2 of",
            "has the id '" .. names.shown(text), "beginning with a letter", "nothing was imported")
        end
      end
    end)
    for _, text in ipairs { "con", "HEAD", "x.lock", "A1", "a..b", ("x"):rep(128) } do
      assert.equal(0, names.import(w, { { id = text, name = "a thing" } }).code, text)
    end
    names.look(w)
    names.all_land(w)
  end)

  it("as a field is set by edit, and what is fixed or of the wrong kind is refused", function()
    w = names.world()
    local id = w:add "a thing"
    for _, text in ipairs(names.texts) do
      local list = al.json.dump(al.json.array { text })
      local result = w:al("task", "edit", id, "name=" .. text, "description=" .. text, "slug=" .. text,
        "resources=" .. list, "touches=" .. list)
      assert.equal(0, result.code, result.stderr)
      if utf8.len(text) then assert.equal(text, w:task(id).slug) end
    end
    names.look(w, id)
    for change, said in pairs {
      ["id=../x"] = "'id' cannot be edited", ["id8=../x"] = "'id8' cannot be edited", ["status=../x"] = "'status'",
      ["file=../../x"] = "'file'", ["../x=1"] = "'../x=1' is not", ["\27x=1"] = "'\\x1bx=1' is not",
      ["name="] = "'name' must be", ["name= "] = "'name' must be", ["touches=;"] = "'touches' must be",
      ["child_tasks=5"] = "'child_tasks' must be", ["not_before=\27"] = "like",
      ["worktree={}"] = "'worktree' cannot be edited", ["analysis_worktree=null"] = "'analysis_worktree'",
    } do
      names.changes_nothing(w, function() names.refused(w:al("task", "edit", id, change), 2, said) end)
    end
    names.all_land(w)
  end)

  it("as a dependency is a task that is not there", function()
    w = names.world()
    assert.equal(0, names.import(w, { { id = "t1", name = "one", dependencies = names.texts } }).code)
    local why = names.quiet(w:al("task", "next", "--why"))
    assert.equal(3, why.code)
    assert.equal(#names.texts, select(2, why.stdout:gsub("which does not exist", "")))
    names.look(w, "t1")
    names.refused(names.run(w), 3, "'one' cannot run", "'$(touch CANARY)', which does not exist")
  end)

  it("as the task of a command names none", function()
    w = names.world()
    w:add "a thing"
    names.changes_nothing(w, function()
      for _, text in ipairs(names.texts) do
        local commands = { { "task", "show" }, { "task", "done" }, { "land" }, { "task", "add", "x", "--depends" } }
        for _, words in ipairs(text:sub(1, 1) == "-" and {} or commands) do
          words[#words + 1] = text
          names.refused(w:al(table.unpack(words)), 2, "no task '" .. names.shown(text), "agentlua task list")
        end
      end
    end)
  end)

  it("as description is made safe in the history as the name is", function()
    w = names.world()
    w:add("a thing", "--description=\27]0;title\7 a\u{202e}b")
    names.all_land(w)
    local message = w:git("log", "-1", "--format=%B")
    assert.equal(al.text.printable(message), message)
  end)

  it("in what --json prints is escaped where a terminal would act on it", function()
    w = names.world()
    local id = w:add "a\127b\u{9b}31mc\u{202e}d"
    for _, words in ipairs { { "list" }, { "show", id }, { "next" } } do
      names.quiet(w:al("task", words[1], "--json", words[2]))
    end
  end)
end)
