local core = require "agentlua.core"
local resource = require "agentlua.resource"
local support = require "support"

describe("resource", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- What a process of the user finds, with `dir` as trusted .agentlua.
  local function find(kind, name, dir)
    return support.script(([[
      local al = require "agentlua"
      print(al.json.dump(al.resource.find(%q, %q, %s) or false))
    ]]):format(kind, name, dir and ("%q"):format(dir) or "nil"))
  end

  it("the project's copy wins, then the user's, then what the host carries", function()
    local dir = support.dir .. "/repo/.agentlua"
    local carried = find("scripts", "execute.lua", dir)
    assert.is_true(carried.embedded)
    assert.matches("p:loop", carried.text, 1, true)

    local own = support.write("config/agentlua/scripts/execute.lua", "-- the user's\n")
    local found = find("scripts", "execute.lua", dir)
    assert.same({ path = own, text = "-- the user's\n", embedded = false }, found)

    local project = support.write("repo/.agentlua/scripts/execute.lua", "-- the project's\n")
    assert.equal(project, find("scripts", "execute.lua", dir).path)
    assert.equal(own, find("scripts", "execute.lua").path) -- not trusted
  end)

  it("prompts and agents are found in the same order", function()
    assert.matches("{{TASK_NAME}}", find("prompts", "execute.md").text, 1, true)
    assert.matches("^#!/bin/sh", find("agents", "demo.sh").text)
    local own = support.write("config/agentlua/prompts/execute.md", "mine")
    assert.equal(own, find("prompts", "execute.md").path)
    local project = support.write("dir/agents/demo.sh", "ours")
    assert.equal(project, find("agents", "demo.sh", support.dir .. "/dir").path)
  end)

  it("what is nowhere is nil", function()
    assert.is_false(find("scripts", "nosuch.lua"))
    assert.is_false(find("scripts", "execute.md"))
  end)

  it("a stock Lua finds what is beside the library", function()
    local found = assert(resource.find("scripts", "execute.lua"))
    assert.same({ support.source .. "/scripts/execute.lua", false }, { found.path, found.embedded })
    found = assert(resource.find("prompts", "execute.md"))
    assert.equal(support.source .. "/scripts/prompts/execute.md", found.path)
    found = assert(resource.find("agents", "demo.sh"))
    assert.equal(support.source .. "/examples/agents/demo.sh", found.path)
    assert.is_nil(resource.host())
  end)

  it("a host that is in no bin/ finds what it carries", function()
    local host = support.dir .. "/agentlua"
    assert.equal(0, support.command({ "cp", support.host, host }).code)
    assert.equal(0, support.command({ host, "paths" }).code)
  end)

  it("paths shows the directories in that order, and what is trusted", function()
    local path = support.repository()
    local user, records = support.dir .. "/config/agentlua", support.dir .. "/state/agentlua/trust/"
    local function paths()
      return core.json.parse(support.agentlua({ "paths", "--json", cwd = path }).stdout)
    end
    assert.equal(0, support.agentlua({ "init", cwd = path }).code)
    local shown = paths()
    assert.same({ path .. "/.agentlua", user }, { table.unpack(shown.scripts, 1, 2) })
    assert.same({ true, path, support.host, support.dir .. "/state/agentlua" },
      { shown.trusted, shown.project, shown.host, shown.state })
    core.fs.remove(records .. core.fs.list(records)[1])
    shown = paths()
    assert.same({ false, user }, { shown.trusted, shown.scripts[1] })
  end)
end)
