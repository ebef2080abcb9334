local names = require "hostile_names"

describe("a task file written by hand", function()
  local w
  after_each(function()
    names.sound(w)
    w:close()
  end)

  for _, row in ipairs(names.damaged) do
    it("that " .. row[1] .. " is set aside, and the others go on", function()
      w = names.world()
      names.hand(w, "other", { id = "other", name = "another" }, "analysed")
      names.hand(w, "t7", row[2])
      local said = { "t7.json", table.unpack(row, 3) }
      local listed = names.quiet(w:al("task", "list"))
      assert.equal(0, listed.code)
      for _, part in ipairs(said) do assert.truthy(listed.stderr:find(part, 1, true), listed.stderr) end
      assert.equal(4, names.quiet(w:al "fsck").code)
      names.refused(names.run(w), 4, ".quarantine", table.unpack(said))
      assert.equal(1, w:count "done")
      assert.equal(1, names.set_aside(w))
      names.nothing_left(w)
      local kept = w:command { "sh", "-c", "cat .agentlua/tasks/.quarantine/*-t7.json" }
      assert.is_true(kept.stdout == row[2], "the file has changed")
    end)
  end

  it("that has the id of a task that is done is set aside, and not worked on", function()
    w = names.world()
    names.hand(w, "t7", { id = "t7", name = "x" }, "done")
    names.hand(w, "t7", { id = "t7", name = "x" })
    names.refused(names.run(w), 4, ".quarantine", "t7.json", "id 't7' is also in done/t7.json")
    assert.equal(1, names.set_aside(w))
    assert.equal(1, w:count "done")
    names.nothing_left(w)
  end)

  it("that has the id of a task that is done, in a file of another name, is set aside too", function()
    w = names.world()
    names.hand(w, "kept", { id = "t7", name = "x" }, "done")
    names.hand(w, "t7", { id = "t7", name = "x" })
    names.refused(names.run(w), 4, ".quarantine", "t7.json", "id 't7' is also in done/kept.json")
    assert.equal(1, w:count "done")
  end)

  it("that has the id of one that has come further is set aside, and that one is worked on", function()
    w = names.world()
    names.hand(w, "kept", { id = "t7", name = "x" }, "analysed")
    names.hand(w, "t7", { id = "t7", name = "x" })
    names.refused(names.run(w), 4, ".quarantine", "t7.json", "id 't7' is also in analysed/kept.json")
    assert.equal(1, w:count "done")
    names.nothing_left(w)
  end)

  it("that is in the way of a task ends the run with the reason, and the others go on", function()
    w = names.world()
    names.hand(w, "first", { id = "first", name = "one", priority = 1 })
    names.hand(w, "second", { id = "second", name = "two", priority = 2 })
    names.hand(w, "third", { id = "third", name = "three", priority = 3 })
    w:write("../agent.sh", ([[#!/bin/sh
cat >/dev/null
echo x >>work.txt
if [ "$AGENTLUA_TASK_ID" = first ]; then
  echo '{"id":"other","name":"other"}' >'%s/.agentlua/tasks/in-progress/second.json'
fi
]]):format(w.root), 493)
    names.refused(names.run(w), 1, "in-progress/second.json", "File exists")
    assert.equal(2, w:count "done")
    assert.equal(1, w:count "todo")
  end)

  it("that is no file is set aside unread", function()
    w = names.world()
    w:add "a thing"
    local todo = w.root .. "/.agentlua/tasks/todo/"
    w:command { "mkfifo", todo .. "pipe.json" }
    w:command { "mkdir", todo .. "directory.json" }
    w:command { "ln", "-s", "/dev/zero", todo .. "zero.json" }
    w:command { "ln", "-s", "/etc/passwd", todo .. "passwd.json" }
    w:command { "sh", "-c", 'touch -h -d "1 hour ago" "$0"/*.json', todo }
    assert.equal(0, names.quiet(w:al("task", "list")).code)
    names.refused(names.run(w), 4, "pipe.json", "directory.json", "zero.json", "not a regular file", "passwd.json")
    assert.equal(1, w:count "done")
    assert.equal(4, names.set_aside(w))
    names.nothing_left(w)
  end)

  it("may be called anything", function()
    w = names.world()
    local count = 0
    for i, text in ipairs(names.texts) do
      if not text:find "/" and not text:find "^%." and #text < 200 then
        names.hand(w, text, { id = "t" .. i, name = "task " .. i })
        count = count + 1
      end
    end
    names.look(w)
    local result = names.quiet(names.run(w))
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(count, w:count "done")
    names.nothing_left(w)
    names.look(w)
  end)

  it("may be called anything, and is named safely when it is damaged", function()
    w = names.world()
    local count = 0
    for _, text in ipairs(names.texts) do
      if not text:find "/" and not text:find "^%." and #text < 200 then
        names.hand(w, text, "{ damaged")
        count = count + 1
      end
    end
    names.quiet(w:al("task", "list"))
    names.quiet(w:al "fsck")
    names.refused(names.run(w), 4, "$(touch CANARY).json", "\\x1b]0;title\\x07.json", "line 1")
    assert.equal(count, names.set_aside(w))
    names.nothing_left(w)
    names.look(w)
  end)
end)
