-- agentlua check: of a file, and of a whole project.

local al = require "agentlua"
local support = require "support"

describe("agentlua check", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("says file, line, column and the nearest name; runs nothing", function()
    w:write("mine.lua", "io.open('ran', 'w')\nlocal al = require 'agentlua'\nal.process.spwan { 'true' }\n")
    local result = w:al("check", "mine.lua")
    assert.same({ 1, "mine.lua:3:12: agentlua.process has no field 'spwan'; the nearest is 'spawn'\n", "" },
      { result.code, result.stdout, result.stderr })
    assert.is_false(w:exists "ran")
    local found = al.json.parse(w:al("check", "--json", "mine.lua").stdout)
    assert.same({ 3, 12, "spawn" }, { found[1].line, found[1].column, found[1].nearest })
  end)

  it("exit 0 for what is right, 2 for a file that is not there or no Lua", function()
    w:write("good.lua", "print(1)\n")
    w:write("broken.lua", "local x =\nreturn\n")
    assert.same({ 0, "" }, { w:al("check", "good.lua").code, w:al("check", "good.lua").stdout })
    assert.equal("[]\n", w:al("check", "good.lua", "--json").stdout)
    local broken = w:al("check", "broken.lua")
    assert.equal(2, broken.code)
    assert.matches("broken.lua:2: ", broken.stderr)
    assert.equal(2, w:al("check", "nosuch.lua").code)
  end)

  it("of a new project finds nothing", function()
    local result = w:al "check"
    assert.same({ 0, "", "" }, { result.code, result.stdout, result.stderr })
  end)

  it("without a file checks settings, hooks, scripts, agents and prompts of the project", function()
    w:config "timeout = 3"
    w:write(".agentlua/hooks.lua", "return { on_stopp = print }")
    w:write(".agentlua/scripts/mine.lua", "require('agentlua').lgo 'x'")
    w:write(".agentlua/agents/own.lua", "return { argv = { 'x' }, decod = print }")
    local found = w:al "check"
    assert.equal(1, found.code)
    for _, text in ipairs {
      "config.lua:1:9: ", "'timeouts'", "hooks.lua:1:10: ", "'on_stop'", "scripts/mine.lua:1:21: ", "'log'",
      "agents/own.lua:1:26: ", "'decode'",
    } do assert.truthy(found.stdout:find(text, 1, true), text .. "\n" .. found.stdout) end
    w:config ""
    w:write(".agentlua/prompts/mine.md", "one\n{{TASK_NMAE}}\n")
    local prompts = w:al "check"
    assert.matches("prompts/mine.md:2:1: unknown name {{TASK_NMAE}}; the nearest is {{TASK_NAME}}", prompts.stdout)
  end)

  it("reads a project that is not trusted, and runs nothing of it", function()
    w:write(".agentlua/hooks.lua", "io.open('ran', 'w') return { on_stopp = print }")
    w:write(".agentlua/prompts/mine.md", "{{X}}")
    w:command { "rm", "-rf", w.env.XDG_STATE_HOME }
    local result = w:al "check"
    assert.equal(1, result.code)
    assert.matches("on_stopp", result.stdout)
    assert.matches("prompts are not checked", result.stderr)
    assert.is_false(w:exists "ran")
  end)

  it("of a copied script finds nothing; editors get what they need from init", function()
    assert.equal(0, w:al("edit", "execute.lua").code)
    assert.equal(0, w:al("check").code)
    local settings = al.json.parse(w:read ".agentlua/.luarc.json")
    local library = w.root .. "/.agentlua/" .. settings["workspace.library"][1]
    assert.matches("^%-%-%-@meta agentlua\n", al.fs.read(library .. "/al.lua"))
    assert.equal("", w:git("status", "--porcelain", "--", ".agentlua/meta"))
  end)
end)
