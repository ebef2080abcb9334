local check = require "agentlua.check"
local core = require "agentlua.core"
local support = require "support"
local syntax = require "agentlua.check.syntax"
local tokens = require "agentlua.check.tokens"

describe("check", function()
  -- Findings as "line:column nearest".
  local function found(text, path, dir)
    local list = {}
    for i, one in ipairs(assert(check.source(text, path or "scripts/mine.lua", dir))) do
      list[i] = ("%d:%d %s"):format(one.line, one.column, one.nearest or one.message)
    end
    return list
  end

  -- Checks a source in which <wrong=>right> stands for a misspelling: all of these are found, and nothing else.
  local function finds(marked, path)
    local text, wanted, rest = "", {}, marked
    while true do
      local before, quote, wrong, right, after = rest:match "^(.-)(['\"]?)<([%w_-]+)=>([%w_.-]+)>(.*)$"
      if not before then break end
      text = text .. before
      local place = tokens.places(text .. "x")
      wanted[#wanted + 1] = ("%d:%d %s"):format(select(1, place(#text + 1)), select(2, place(#text + 1)), right)
      text, rest = text .. quote .. wrong, after
    end
    assert.same(wanted, found(text .. rest, path))
  end

  -- A loop with `work` in it.
  local function loop(work)
    return ([[
local al = require "agentlua"
local p = al.project.open()
return p:loop { from = "todo", to = "in-progress", work = function(task, run)
  local tree <close> = p:worktree(task)
%s
end }]]):format(work)
  end

  it("knows al and its modules", function()
    finds 'local al = require "agentlua" print(al.<proces=>process>)'
    finds 'local al = require "agentlua" al.process.<spwan=>spawn> { "true" }'
    finds 'local errors = require "agentlua.errors" errors.<chek=>check>(nil)'
    assert.same({ "1:16 agentlua.process" }, found 'return require "agentlua.proces"')
    assert.same({}, found 'return require "mine"')
  end)

  it("knows projects, runs, tasks, trees and results in a loop", function()
    finds(loop "return p:<lnad=>land>(task, tree)")
    finds(loop "return p:land(task, <tre=>tree>)")
    finds(loop "run:<atempts=>attempts> { agent = p:agent(task), cwd = tree.<pth=>path>, prompt = 'x' }")
    finds(loop "print(task.<prioritty=>priority>, run.project.config.<atempts=>attempts>)")
    finds(loop [[
      local result = run:attempts { agent = p:agent(task), cwd = "/", prompt = "x", phase = "x", accept = function(r)
        return r.<okk=>ok>
      end }
      if result.ending == "<tiemout=>timeout>" or result.<endign=>ending> then
        return p:give_up(task, tree, { <reson=>reason> = "x" })
      end]])
  end)

  it("knows what a function of the script gets that is handed on", function()
    finds [[
      local al = require "agentlua"
      local p = al.project.open()
      local function work(task, run)
        if task.<stauts=>status> then run:attempts { <promt=>prompt> = "x", cwd = "/", agent = p:agent(task) } end
      end
      return p:loop { { from = "todo", to = "analysing", work = work, <job=>jobs> = 1 } }]]
  end)

  it("knows option tables, at any depth, and the texts that they allow", function()
    finds 'require("agentlua").project.open():loop { <form=>from> = "todo", to = "<in-progres=>in-progress>" }'
    finds [[require("agentlua").process.run {
      "ls", <timout=>timeout> = 3, stderr = "<merg=>merge>", pty = { <row=>rows> = 3 },
    }]]
    finds [[local s = require("agentlua").store.open("x", { <creat=>create> = true })
      s:claim { from = { "<tood=>todo>" } }]]
  end)

  it("follows what functions of the script get and give, its tables, loops and handlers", function()
    finds [[
      local al = require "agentlua"
      local function open() return al.process.spawn { "true" } end
      local function read(child) for line in child:lines() do print(line:<uper=>upper>()) end end
      local counts = { done = 0 }
      for event in al.events.read "x" do if event.<tpye=>type> == "x" then counts.done = counts.<dnoe=>done> + 1 end end
      for account, limit in pairs(al.limit.all()) do print(account, limit.<knd=>kind>) end
      local child <close> = open()
      child:<wati=>wait>()
      read(child)]]
  end)

  it("tells methods from functions", function()
    local text = loop "p.prompt('execute', task) p.land(p, task, tree) al:log 'x' tree:close()"
    assert.same({
      "5:3 'prompt' is a method: write a colon before it", "5:52 'log' is no method: write a dot before it",
    }, found(text))
    assert.same({}, found [[
      local al = require "agentlua"
      local M = {}
      function M:take(child) for line in child:lines() do print(self.name, line) end end
      function M.give(self, n) return n end
      M:take(al.process.spawn { "true" })
      M.take(M, al.process.spawn { "true" })
      M:give("x"):upper() ]])
  end)

  it("knows names: of Lua, of its libraries, of the file itself", function()
    finds "local name = 1 <prnt=>print>(<nmae=>name>, string.<formt=>format>('x'), table.<concta=>concat>({}))"
    finds "local count = 1 local function f() <cuont=>count> = 2 end f() print(count)"
  end)

  it("knows the keys of config.lua, at any depth, and that it is data", function()
    finds("return { <verfy=>verify> = {}, timeouts = { <iddle=>idle> = 3 }, land = '<squahs=>squash>' }", "config.lua")
    finds("return { verify = { { <nam=>name> = 'x', argv = { 'x' }, when = { <path=>paths> = {} } } } }", "config.lua")
    finds("local c = { jobs = 1 } c.<atempts=>attempts> = 2 return c", "config.lua")
    assert.matches("config.lua is data", check.source("return { jobs = os.time() }", "config.lua")[1].message)
    assert.same({}, found("local M = { verfy = 1 } function M.f() return os.time() end return M", ".x/lua/config.lua"))
    finds("return { <verfy=>verify> = {} }", "/home/me/lua/project/.agentlua/config.lua")
  end)

  it("knows hooks, and what they get", function()
    finds("return { <on_tsak_start=>on_task_start> = function() end }", ".agentlua/hooks.lua")
    finds([[
      local M = {}
      function M.<on_reslt=>on_result>() end
      M.before_land = function(task, tree) return tree.<bracnh=>branch> == task.<nam=>name> end
      return M]], "hooks.lua")
  end)

  it("knows backends, and the events of their decoders", function()
    finds([[
      return { argv = { "x" }, <permision=>permission> = "full", decode = function(record, emit)
        emit { type = "<txt=>text>", <tex=>text> = record.anything }
      end }]], ".agentlua/agents/mine.lua")
    finds("return { argv = { 'x' }, stderr = { { 'no login', '<auht=>auth>' } } }", "agents/mine.lua")
  end)

  it("knows which prompts and agents there are", function()
    support.setup()
    local dir = support.dir .. "/.agentlua"
    support.write(".agentlua/prompts/mine.md", "x")
    support.write(".agentlua/agents/own.lua", "return { argv = { 'x' } }")
    local text = loop "p:prompt('mine', task)"
    assert.same({}, found(text, nil, dir))
    assert.same({ "5:10 execute" }, found(loop "p:prompt('excute', task)", nil, dir))
    assert.same({ "1:21 claude" }, found("return { agents = { 'cluade', 'own', 'codex' } }", "config.lua", dir))
    assert.same({ "1:23 codex" }, found("return { backends = { codx = { model = 'x' } } }", "config.lua", dir))
    support.teardown()
  end)

  it("leaves alone what it cannot know", function()
    assert.same({}, found [[
      local state = { events = {} }
      local function look() return state.event end
      local function note(one) state.event = one end
      note(1) print(look(), #state.events) ]])
    assert.same({}, found(loop [[
  task.team = "blue"
  local mine = require "mine"
  mine.anything(task.team, task.my_field)
  local list = {}
  list[#list + 1] = task
  for _, one in ipairs(list) do one.whatever() end
  counter = (counter or 0) + 1
  local object = setmetatable({ one = 1 }, { __index = mine })
  goto done
  ::done::
  return p:give_up(task, nil, { ending = "done", reason = object.ones })]]))
  end)

  it("finds nothing in the library itself, nor in its scripts", function()
    local list = support.command { "find", "lua", "scripts", "-name", "*.lua", cwd = support.source }
    for path in list.stdout:gmatch "[^\n]+" do
      if not path:find("/_meta/", 1, true) then assert.same({}, found(core.fs.read(path), path), path) end
    end
  end)

  it("says where a file is no Lua", function()
    local findings, message = check.source("local x =\nreturn", "a/b.lua")
    assert.is_nil(findings)
    assert.matches("^a/b.lua:2: ", message)
  end)

  it("reads all of Lua", function()
    local text = [==[
#!/usr/bin/lua
local a <const>, b <close> = 1, nil; local c = [[
long]] --[[ a comment ]] .. [=[ ]] ]=] --[===[ another ]===].."\u{41}\x41\065\z
   \n" .. 'it\'s'
local t = { 1, 2; x = 3, ["y z"] = 4, [a] = 5, f(), f{}, f"", ... }
c, t.x, t[1] = -a ^ 2 // 3 >> 1 & ~0xFp1 | 3.5e-3, not t.x == #t, ((f()))
while a do if b then break elseif c then goto on else repeat local z = 1 until z end ::on:: end
for i = 1, 10, 2 do end for k, v in next, t do end
function t.a.b:c(...) return self, ... end
local function g() return end
do ; end
return function() end]==]
    assert(load((text:gsub("^#[^\n]*", ""))))
    local tree, types = syntax.parse(text), {}
    for i, node in ipairs(tree) do types[i] = node.type end
    assert.equal("local local local set while for for function local_function do return", table.concat(types, " "))
    local parts, node = {}, tree[2].values[1]
    while node.type == "binary" do
      parts[#parts + 1] = node.left.value
      node = node.right
    end
    assert.equal("long ]] AAA\nit's", table.concat(parts) .. node.value)
  end)
end)
