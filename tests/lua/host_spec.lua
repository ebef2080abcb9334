local support = require "support"

-- What a script of a user's does is the same under the host and under a stock Lua.
local script = [[
local al = require "agentlua"
print(al.version, al.json.dump { 1, al.json.null, { a = 1.0 } })
print(al.text.slug "Hello, World!", al.text.glob("*.lua", "x.lua"))
al.run(function()
  local group <close> = al.group { limit = 2 }
  for i = 1, 4 do
    group:spawn(function() print(i, al.process.run({ "echo", i }).stdout) end)
    group:wait()
  end
end)
local store <close> = assert(al.store.open(arg[1], { create = true }))
print(store:add({ id = "t1", name = "x" }).file, store:next("todo").task.id)
print(select(3, al.git.open "/"), select(3, al.timeout(0.01, al.sleep, 9)))
print(pcall(al.process.run, { "true", nosuch = 1 }))
print(al.agent("demo").account, al.prompt.render("{{A}}", { A = "%1" }))
]]

describe("a script", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("does the same under the host and under a stock Lua", function()
    local path = support.write("script.lua", script)
    local host = support.agentlua { "run", path, support.dir .. "/a" }
    local stock = support.command {
      "lua5.4", path, support.dir .. "/b", cwd = support.source,
      env = {
        LUA_PATH = "lua/?.lua;lua/?/init.lua;;", LUA_CPATH = support.build .. "/lib/lua/5.4/?.so;;",
      },
    }
    assert.same({ 0, "" }, { host.code, host.stderr })
    assert.same({ 0, "" }, { stock.code, stock.stderr })
    for _, text in ipairs {
      "hello%-world\ttrue", "\tt1\n", "ENOREPO\tETIMEDOUT", "/default\t%%1\n$",
    } do
      assert.matches(text, host.stdout)
    end
    -- Where the library was loaded from is shown in the message of an error.
    local function without_place(text) return (text:gsub("[^\t]*lua/agentlua/", "")) end
    assert.equal(without_place(stock.stdout), without_place(host.stdout))
  end)

  it("may be ended by a signal: what it started ends with it", function()
    local process = require "agentlua.process"
    support.run(function()
      local path = support.write("script.lua", [[
        local al = require "agentlua"
        local child <close> = al.process.spawn { "sleep", "60" }
        print(child:pid())
        io.stdout:flush()
        child:wait()
      ]])
      for _, number in ipairs { "KILL", "TERM" } do
        local host <close> = assert(process.spawn { support.host, "run", path, contain = false })
        local pid = host:lines()()
        assert(process.run { "kill", "-" .. number, tostring(host:pid()), contain = false })
        host:wait()
        support.eventually(function() return not support.alive(pid) end, "the child ends too")
      end
    end)
  end)
end)
