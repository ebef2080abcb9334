local core = require "agentlua.core"
local line_editor = require "agentlua.terminal.line_editor"
local support = require "support"

describe("the line editor", function()
  local shown, modes

  -- An editor at a terminal where `typed` is typed, in pieces.
  local function editor(typed, history, columns)
    shown, modes = {}, {}
    local input = {
      set = function(_, mode) modes[#modes + 1] = mode end,
      size = function() return 24, columns or 80 end,
      read = function() return table.remove(typed, 1) or false end,
    }
    return line_editor.new(input, function(text) shown[#shown + 1] = text end, history or {})
  end
  local function reads(...) return editor({ ... }):read "> " end

  it("takes what is typed, and puts the terminal back", function()
    assert.equal("1 + 1", reads("1 +", " 1\r"))
    assert.same({ "keys", "found" }, modes)
  end)

  it("moves, inserts and deletes by whole characters", function()
    assert.equal("ab", reads("b\27[Da\r"))
    assert.equal("aéxb", reads("aéb\27[Dx\r"))
    assert.equal("ab", reads("aéb\27[D\127\r"))
    assert.equal("ab", reads("aéb\27[D\27[D\27[3~\r"))
    assert.equal("xaby", reads("ab\1x\5y\r"))
    assert.equal("xaby", reads("ab\27[Hx\27[Fy\r"))
    assert.equal("xaby", reads("ab\27OHx\27[4~y\r"))
    assert.equal("ab", reads("abcd\27[D\27[D\11\r"))
    assert.equal("cd", reads("abcd\27[D\27[D\21\r"))
    assert.equal("a", reads("\127\27[D\27[3~a\27[C\r"))
  end)

  it("takes keys that come in pieces, and passes over those it does not know", function()
    assert.equal("ab", reads("b\27", "[", "Da\r"))
    assert.equal("é", reads("\xC3", "\xA9\r"))
    assert.equal("ab", reads("a\27[15~\27[1;5P\7b\r"))
  end)

  it("goes through the history, and back to what was typed", function()
    local one = editor({ "new\27[A\27[A\27[A!\r", "x\27[A\27[B\r" }, { "first", "second" })
    assert.equal("first!", one:read "> ")
    assert.equal("x", one:read "> ")
  end)

  it("Ctrl-C cancels, Ctrl-D ends an empty line and deletes in another", function()
    assert.is_false(reads "abc\3")
    assert.is_nil(reads "\4")
    assert.equal("b", reads("ab\1\4\r"))
    assert.is_nil(reads "abc")
  end)

  it("keeps what is pasted behind a line for the next one", function()
    local one = editor { "one\rtwo\r" }
    assert.equal("one", one:read "> ")
    assert.equal("two", one:read "> ")
  end)

  it("shows the part around the cursor of a line that is longer than the terminal is wide", function()
    editor({ ("x"):rep(50) .. "end\r" }, {}, 20):read "> "
    local all = table.concat(shown)
    assert.truthy(all:find("\r> xxxxxxxxxxxxxxend\27[K", 1, true), all)
    for piece in all:gmatch "\r> ([^\r\27]*)" do assert.is_true(#piece <= 18) end
  end)

  it("shows nothing that acts on the terminal", function()
    editor({ "\xC2\x9Bx\r" }):read "> "
    assert.is_nil(table.concat(shown):find("\xC2\x9B", 1, true))
  end)
end)

describe("agentlua repl on a pipe", function()
  before_each(support.setup)
  after_each(support.teardown)
  local function repl(text)
    local result = support.agentlua { "repl", stdin = text }
    assert.equal(0, result.code)
    return result.stdout, result.stderr
  end

  it("prints expressions, with or without =, and nothing for statements", function()
    assert.equal("2\n3\nnil\nb\n", (repl "1 + 1\n=3\nx = 4\nnil, 'b'\n"))
  end)

  it("prints tables one level deep, lists first", function()
    assert.equal('{\n  1,\n  "two",\n  ["a b"] = null,\n  n = true,\n}\n{}\n',
      (repl "{ 1, 'two', n = true, ['a b'] = al.json.null }\n{}\n"))
    assert.matches("^{\n  inner = table: 0x%x+,\n}\n$", (repl "{ inner = {} }\n"))
    assert.equal("null\nx\n", (repl "al.json.null\nal.errors.new('EBAD', 'x')\n"))
  end)

  it("goes on in the next line where something is not finished", function()
    assert.equal("1\n2\n{\n  1,\n}\n", (repl "for i = 1, 2 do\nprint(i)\nend\n{\n1\n}\n"))
  end)

  it("keeps globals, and has al; waiting calls and fibers work", function()
    local out = repl("n = 0\nal.spawn(function() al.sleep(0.01) n = 5 end)\nn\n"
      .. "=al.process.run({ 'echo', 'hi' }).stdout\n")
    assert.matches("5\nhi\n\n$", out)
  end)

  it("shows errors with the traceback of what was typed, and goes on", function()
    local out, problem = repl "local function f() error 'deep' end f()\nerror({})\n1 +* 2\n'on'\n"
    assert.equal("on\n", out)
    assert.matches("^stdin:1: deep\nstack traceback:\n", problem)
    assert.matches("in local 'f'", problem)
    assert.is_nil(problem:find("repl.lua", 1, true), problem)
    assert.matches("stdin:1: unexpected symbol near '1'", problem)
  end)

  it("writes no history", function()
    repl "1\n"
    assert.is_nil(core.fs.stat(support.dir .. "/state/agentlua/history"))
  end)
end)
