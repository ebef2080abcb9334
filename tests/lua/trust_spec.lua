local core = require "agentlua.core"
local support = require "support"

describe("trust", function()
  local dir
  before_each(support.setup)
  before_each(function()
    dir = support.dir .. "/repo/.agentlua"
    core.fs.mkdir(dir)
  end)
  after_each(support.teardown)

  -- What a process of the user answers about a directory; `more` is run before.
  local function ask(more, options)
    return support.script(([[
      local al = require "agentlua"
      local dir = %q
      %s
      print(al.json.dump(al.trust.has(dir)))
    ]]):format(dir, more or ""), options)
  end

  it("is given by add, and remembered for the user", function()
    assert.is_false(ask())
    assert.is_true(ask "al.trust.add(dir)")
    assert.is_true(ask())
    assert.is_false(ask(nil, { env = { XDG_STATE_HOME = support.dir .. "/other" } }))
  end)

  it("is kept outside of the project, for the user alone", function()
    ask "al.trust.add(dir)"
    assert.same({}, core.fs.list(dir))
    local records = support.dir .. "/state/agentlua/trust"
    local names = core.fs.list(records)
    assert.equal(1, #names)
    assert.equal(384, core.fs.stat(records .. "/" .. names[1]).mode) -- 0600
  end)

  it("is of the directory, whatever path leads to it", function()
    support.command { "ln", "-s", support.dir .. "/repo", "link" }
    ask "al.trust.add(dir)"
    dir = support.dir .. "/link/../link/.agentlua"
    assert.is_true(ask())
  end)

  it("does not pass to another directory that takes its place", function()
    ask "al.trust.add(dir)"
    support.command { "mv", dir, support.dir .. "/moved" }
    assert.is_false(ask())
    core.fs.mkdir(dir)
    assert.is_false(ask())
    dir = support.dir .. "/moved"
    assert.is_false(ask())
  end)

  it("is not given by a record that cannot be read", function()
    ask "al.trust.add(dir)"
    local records = support.dir .. "/state/agentlua/trust/"
    local name = core.fs.list(records)[1]
    for _, text in ipairs { "", "{", "5", "null", "[]", "{}", '{"device":0,"inode":0}' } do
      core.fs.write { path = records .. name, content = text }
      assert.is_false(ask(), text)
    end
  end)

  it("of a directory that is not there cannot be given", function()
    dir = support.dir .. "/none"
    assert.is_false(ask())
    assert.is_false(ask "assert(not pcall(al.trust.add, dir))")
  end)

  it("an untrusted project's configuration and scripts do not run", function()
    local path = support.repository "other"
    support.write("other/.agentlua/config.lua", "this is not read")
    support.write("other/.agentlua/scripts/execute.lua", "io.open('ran', 'w')")
    for _, words in ipairs { { "status" }, { "run", "execute.lua" }, { "task", "list" } } do
      words.cwd = path
      local result = support.agentlua(words)
      assert.equal(2, result.code)
      assert.matches("not trusted; read it, then run: agentlua trust", result.stderr, 1, true)
    end
    assert.is_nil(core.fs.stat(path .. "/ran"))
    assert.equal(0, support.agentlua({ "trust", cwd = path }).code)
    assert.matches("config.lua:1:", support.agentlua({ "status", cwd = path }).stderr)
  end)
end)
