local al = require "agentlua"
local support = require "support"

describe("the library", function()
  it("does the same under the host, under a stock Lua and in a C++ program", function()
    local w = support.new()
    local expected = "line: one\nline: two\nexit code: 0\nclaimed: say hello (in-progress)\n"
    local script = support.source .. "/examples/script.lua"
    local function tasks(name) return { TASKS = w.top .. "/" .. name } end
    local host = w:al("run", script, { env = tasks "host" })
    assert.equal(expected, host.stdout, host.stderr)
    local env = tasks "stock"
    env.LUA_PATH, env.LUA_CPATH = os.getenv "LUA_PATH", os.getenv "LUA_CPATH"
    local stock = w:command { "lua5.4", script, env = env, cwd = support.source }
    assert.equal(expected, stock.stdout, stock.stderr)
    local program = support.source .. "/build/dev/examples/embed"
    if al.fs.stat(program) then
      local native = w:command { program, env = tasks "native" }
      assert.equal(expected, native.stdout, native.stderr)
    end
    w:close()
  end)
end)
