local al = require "agentlua"
local names = require "hostile_names"

describe("a task file written by hand", function()
  local w
  after_each(function()
    names.sound(w)
    w:close()
  end)

  it("may have any text as id: its branch and directories have safe names", function()
    w = names.world()
    local ids, count = {}, 0
    for i, text in ipairs(names.texts) do
      if utf8.len(text) then
        names.hand(w, "f" .. i, { id = text, name = "task " .. i, slug = text })
        if text:sub(1, 1) ~= "-" then ids[#ids + 1] = text end
        count = count + 1
      end
    end
    for _, words in ipairs { { "list" }, { "next" }, { "next", "--why" } } do
      names.quiet(w:al("task", table.unpack(words)))
    end
    for _, id in ipairs(ids) do names.quiet(w:al("task", "show", id)) end
    local result = names.quiet(names.run(w))
    assert.truthy(result.code == 0 or result.code == 4, result.stdout .. result.stderr)
    assert.equal(count, w:count "done" + names.set_aside(w))
    names.nothing_left(w)
  end)

  it("has an id that import would take, or is set aside", function()
    w = names.world()
    local ids = { "../x", "-rf", "$(touch CANARY)", "\27[31mred", ("x"):rep(129), names.nul }
    for i, text in ipairs(ids) do names.hand(w, "f" .. i, { id = text, name = "task " .. i }) end
    names.refused(names.run(w), 4, "'../x'", "beginning with a letter")
    assert.equal(#ids, names.set_aside(w))
    names.nothing_left(w)
  end)

  it("that has an odd id8 is set aside, or gets one", function()
    for _, text in ipairs { "../x", ".", "-rf", "$(touch CANARY)", names.nul, ("x"):rep(300), "x.lock" } do
      w = names.world()
      w:config [[branch = "task/{slug}"]]
      names.hand(w, "f1", { id = "t1", id8 = text, name = "a thing" })
      names.quiet(names.run(w))
      assert.equal(1, w:count "done" + names.set_aside(w), text)
      names.nothing_left(w)
      local placed = w:command({ "sh", "-c", "ls -d ../x* .agentlua/runs/x .agentlua/runs/*/[!0-9a-f]*/" })
      assert.equal("", placed.stdout)
      names.sound(w)
      if text ~= "x.lock" then w:close() end
    end
  end)

  it("with a NUL in its name or description is set aside, or lands", function()
    w = names.world()
    names.hand(w, "f1", { id = "t1", name = names.nul })
    names.hand(w, "f2", { id = "t2", name = "a thing", description = names.nul })
    names.quiet(names.run(w))
    assert.equal(2, w:count "done" + names.set_aside(w))
    names.nothing_left(w)
  end)

  it("whose id differs from another only in case is refused", function()
    w = names.world()
    names.refused(names.import(w, '[{"id":"A1","name":"one"},{"id":"a1","name":"two"}]'), 2, "'A1'", "'a1'")
    assert.equal(0, names.import(w, '[{"id":"B1","name":"one"}]').code)
    names.refused(names.import(w, '[{"id":"b1","name":"two"}]'), 2, "'B1'", "'b1'")
  end)

  -- A branch and a worktree of the user's, with work in them.
  local function users_work()
    w:git("worktree", "add", "-q", "-b", "mine", w.top .. "/mine")
    w:write("../mine/mine.txt", "mine\n")
    w:git("-C", w.top .. "/mine", "add", "mine.txt")
    w:git("-C", w.top .. "/mine", "commit", "-q", "-m", "mine")
    return w:git("rev-parse", "mine")
  end

  local function worktree(path, branch)
    local commit = w:git("rev-parse", "main")
    return { path = w.top .. path, branch = branch, base = "main", base_commit = commit, ready = true }
  end

  it("cannot name a worktree and branch of the user's as its own", function()
    w = names.world()
    local tip = users_work()
    names.hand(w, "f1", { id = "t1", name = "a thing", worktree = worktree("/mine", "mine") })
    names.quiet(names.run(w))
    assert.equal("mine\n", w:read "../mine/mine.txt")
    assert.equal(tip, w:git("rev-parse", "mine"))
    assert.falsy(w:exists "mine.txt")
    assert.falsy(w:exists "../mine/work.txt")
  end)

  it("cannot name a branch of the user's, or a place outside of all worktrees, by edit either", function()
    w = names.world()
    local id = w:add "a thing"
    local tip = users_work()
    w:git("worktree", "remove", w.top .. "/mine")
    w:al("task", "edit", id, "worktree=" .. al.json.dump(worktree("/outside", "mine")))
    names.quiet(names.run(w))
    assert.equal(tip, w:git("rev-parse", "--verify", "mine"))
    assert.falsy(w:read("../mark") and w:read("../mark"):find "outside")
  end)

  it("that names a worktree or a branch of the user's fails and says which, wherever it is found", function()
    w = names.world()
    local tip, n = users_work(), 0
    local places = { "/mine", "/repo.worktrees/" .. al.text.id8 "t1" .. "-x", "/outside" }
    for _, status in ipairs { "todo", "in-progress", "analysing", "needs-review" } do
      for _, path in ipairs(places) do
        for _, ready in ipairs { true, false } do
          n = n + 1
          local tree = worktree(path, "mine")
          tree.ready, tree.base_commit = ready, tip
          local id = "t" .. n
          names.hand(w, id, { id = id, name = "a thing", worktree = tree, analysis_worktree = tree }, status)
          if status == "needs-review" then
            assert.equal(ready and 1 or 2, names.quiet(w:al("land", id)).code)
            w:al("task", "cancel", id)
          else
            assert.equal(1, names.quiet(names.run(w)).code)
            local task = w:task(id)
            assert.equal("failed", task.status)
            assert.truthy(task.reason:find("'" .. w.top .. path .. "' with branch 'mine'", 1, true), task.reason)
          end
          assert.equal("mine\n", w:read "../mine/mine.txt")
          assert.equal(tip, w:git("rev-parse", "mine"))
          assert.equal(2, w:worktrees())
        end
      end
    end
  end)

  it("keeps its worktree when branches and worktrees have other names since", function()
    w = names.world()
    local id = w:add "a thing"
    assert.equal(1, w:run "fail".code)
    w:config [[branch = "other/{slug}", worktrees = "../elsewhere", attempts = 1]]
    w:al("task", "edit", id, "name=another thing")
    w:al("task", "reopen", id)
    names.all_land(w)
    assert.truthy(w:exists "kept.txt")
  end)

  it("with a worktree that is none is set aside, or runs as if it had none", function()
    w = names.world()
    for i, tree in ipairs { {}, { path = 5, branch = "x" }, { path = "x" }, { path = {}, branch = {} } } do
      names.hand(w, "f" .. i, { id = "t" .. i, name = "a thing", worktree = tree })
    end
    local result = names.quiet(names.run(w))
    assert.falsy(result.stdout:find("json.exception", 1, true), result.stdout)
    assert.equal(4, w:count "done" + names.set_aside(w))
  end)

  it("with attempts that are no list does not stop the others", function()
    w = names.world()
    names.hand(w, "f1", { id = "t1", name = "a thing", attempts = "x", priority = 1 })
    names.hand(w, "f2", { id = "t2", name = "another" })
    names.quiet(names.run(w))
    assert.equal(2, w:count "done" + names.set_aside(w))
  end)

  it("with fields of wrong kinds runs as if it had none of them, and fsck names them", function()
    w = names.world()
    local fields = {
      "description", "attempts", "worktree", "analysis_worktree", "analysis", "questions_resolved", "dependencies",
      "pending_question", "pending_questions", "split_proposal", "skip_history", "child_tasks", "recoveries",
      "acceptance_criteria", "steps", "files", "resources", "touches", "condition", "effort", "category", "slug",
    }
    local count = 0
    for _, field in ipairs(fields) do
      for _, value in ipairs { 5, { x = 1 }, al.json.array { 5 } } do
        count = count + 1
        local id = "t" .. count
        names.hand(w, id, { id = id, name = "task " .. id, [field] = value })
        if count % 9 == 0 then
          local ask = { { "show", id }, { "log", id }, { "ask", id, "what?" }, { "answer", id, "so", "--skip" } }
          for _, words in ipairs(ask) do assert.equal(0, names.quiet(w:al("task", table.unpack(words))).code, field) end
          names.quiet(w:al("task", "approve", id))
          names.quiet(w:al("task", "reopen", id))
        end
      end
    end
    assert.equal(4, names.quiet(w:al "fsck").code)
    for _, words in ipairs { { "task", "list", "--tree" }, { "task", "next", "--why" }, { "status" } } do
      assert.equal(0, names.quiet(w:al(table.unpack(words))).code)
    end
    local result = names.quiet(names.run(w))
    assert.falsy((result.stdout .. result.stderr):find("json.exception", 1, true), result.stderr)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(count, w:count "done")
  end)

  it("that depends on what is not there, or on itself by others, is named: exit 3", function()
    w = names.world()
    names.hand(w, "t9", { id = "t9", name = "nine", dependencies = { "t99" } })
    names.refused(names.run(w), 3, "'nine' cannot run", "depends on 't99', which does not exist")
    w:command { "rm", w.root .. "/.agentlua/tasks/todo/t9.json" }
    names.hand(w, "t1", { id = "t1", name = "one", dependencies = { "t4" } })
    names.hand(w, "t4", { id = "t4", name = "four", dependencies = { "t1" } })
    names.refused(names.run(w), 3, "'one' cannot run", "a cycle: 'four' -> 'one' -> 'four'")
    assert.equal(2, w:count "todo")
  end)
end)
