local core = require "agentlua.core"
local support = require "support"

describe("agentlua run", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function run(text, ...)
    return support.agentlua { "run", support.write("script.lua", text), ... }
  end

  it("hands over arguments as `arg` and as ...", function()
    local result = run([[
      print(arg[0], arg[1], arg[2], #arg, select("#", ...), ...)
    ]], "a b", "--x")
    assert.equal(support.dir .. "/script.lua\ta b\t--x\t2\t2\ta b\t--x\n", result.stdout)
  end)

  it("what the script returns is the exit code", function()
    for text, code in pairs {
      [""] = 0, ["return"] = 0, ["return nil"] = 0, ["return true"] = 0, ["return false"] = 1,
      ["return 0"] = 0, ["return 7"] = 7, ["return { code = 3 }"] = 3, ["return {}"] = 0,
      ["return 'text'"] = 0, ["os.exit(9)"] = 9,
    } do
      assert.equal(code, run(text).code, text)
    end
  end)

  it("a script that raises: exit 1, place and traceback", function()
    for text, shown in pairs {
      ["local function f() error 'boom' end\nf()"] = "script.lua:1: boom",
      ["error({})"] = "script raised a table value",
      ["local al = require 'agentlua' al.spawn(error, 'in a fiber', 0) al.sleep(9)"] = "in a fiber",
      ["local x = nil\nx()"] = "script.lua:2:",
    } do
      local result = run(text)
      assert.equal(1, result.code)
      assert.truthy(result.stderr:find(shown, 1, true), result.stderr)
      assert.matches("stack traceback", result.stderr)
    end
  end)

  it("an error value of the library: its exit code, no traceback", function()
    local result = run "require('agentlua').errors.usage('ENOPE', 'not like this')"
    assert.same({ 2, "agentlua: not like this\n" }, { result.code, result.stderr })
    result = run "require('agentlua').errors.check(nil, 'it failed', 'EIO')"
    assert.same({ 1, "agentlua: it failed\n" }, { result.code, result.stderr })
  end)

  it("a script that is no Lua: exit 2, with the place", function()
    local result = run "local x =\nreturn x y"
    assert.equal(2, result.code)
    assert.matches("script.lua:2:", result.stderr)
    assert.is_nil(result.stderr:find("traceback", 1, true))
  end)

  it("- is standard input", function()
    local result = support.agentlua { "run", "-", "x", stdin = "print('from stdin', arg[1])" }
    assert.equal("from stdin\tx\n", result.stdout)
  end)

  it("a bare name is not looked for in the current directory first", function()
    support.write("config/agentlua/scripts/hello.lua", "print 'mine'")
    support.write("hello.lua", "print 'theirs'")
    for _, name in ipairs { "hello.lua", "hello" } do
      assert.equal("mine\n", support.agentlua({ "run", name }).stdout)
    end
    assert.equal("theirs\n", support.agentlua({ "run", "./hello.lua" }).stdout)
  end)

  it("modules beside the script are found, those of the current directory are not", function()
    support.write("lib/script.lua", "print((require 'beside'))")
    support.write("lib/beside.lua", "return 'beside the script'")
    assert.equal("beside the script\n", support.agentlua({ "run", "lib/script.lua" }).stdout)
    for _, name in ipairs { "agentlua", "agentlua/process", "agentlua/lock", "argparse" } do
      support.write(name .. ".lua", "error 'planted'")
    end
    local script = "local al = require 'agentlua' print(type(al.lock))"
    local result = support.agentlua { "run", "-", stdin = script }
    assert.same({ 0, "function\n" }, { result.code, result.stdout }, result.stderr)
    assert.equal("agentlua " .. core.version .. "\n", support.agentlua({ "version" }).stdout)
  end)

  it("a command of the user's own: agentlua-NAME.lua on the script path", function()
    support.write("config/agentlua/scripts/agentlua-greet.lua",
      "print('hello ' .. arg[1]) return 4")
    local result = support.agentlua { "greet", "you" }
    assert.same({ "hello you\n", 4 }, { result.stdout, result.code })
  end)
end)
