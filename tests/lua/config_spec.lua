local config = require "agentlua.config"
local errors = require "agentlua.errors"
local support = require "support"

describe("config", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function load_text(text) return config.load(support.write("config.lua", text)) end
  local function fails(text, ...)
    local ok, problem = pcall(load_text, text)
    assert.is_false(ok, text)
    assert.is_true(errors.is(problem), tostring(problem))
    assert.same({ "ECONFIG", 2 }, { problem.code, problem.exit })
    for _, part in ipairs { "config.lua", ... } do
      assert.truthy(problem.message:find(part, 1, true), problem.message)
    end
  end

  it("a missing file, an empty table: all defaults", function()
    for _, settings in ipairs { config.load(support.dir .. "/none.lua"), load_text "return {}" } do
      assert.same({ ".agentlua/tasks", "task/{id8}-{slug}", "squash" },
        { settings.tasks, settings.branch, settings.land })
      assert.same({ { ".agentlua/**" }, { ".env*" }, { "claude" } },
        { settings.protect, settings.copy, settings.agents })
      assert.same({ 3, 1, 5, false }, {
        settings.attempts, settings.jobs, settings.stop_grace, settings.require_analysis,
      })
      assert.same({ idle = 1800 }, settings.timeouts)
      assert.same({}, settings.verify)
      assert.is_nil(settings.base)
    end
  end)

  it("what agentlua init writes is right", function()
    support.repository()
    local result = support.agentlua { "init", cwd = support.dir .. "/repo" }
    assert.equal(0, result.code, result.stderr)
    local settings = config.load(support.dir .. "/repo/.agentlua/config.lua")
    assert.same(config.load(support.dir .. "/none.lua"), settings)
  end)

  it("values win over defaults, one by one", function()
    local settings = load_text [[
      local seconds = 60
      return {
        jobs = 4, base = "trunk", timeouts = { wall = 10 * seconds }, env = { drop = { "SECRET" } },
        verify = { { name = "unit", argv = { "make", "test" }, timeout = 900, required = false } },
        backends = { claude = { args = { "--model", "x" } } }, prompt = { PROJECT = "p" },
      }]]
    assert.same({ 4, "trunk", 3 }, { settings.jobs, settings.base, settings.attempts })
    assert.same({ wall = 600, idle = 1800 }, settings.timeouts)
    assert.same({ drop = { "SECRET" } }, settings.env)
    assert.equal("test", settings.verify[1].argv[2])
    assert.equal(0, load_text("return { timeouts = { idle = 0 } }").timeouts.idle)
  end)

  it("what one caller does to the defaults, another does not see", function()
    local first = load_text "return {}"
    first.protect[1], first.timeouts.idle = "changed", 1
    table.insert(first.verify, {})
    local second = load_text "return {}"
    assert.same({ ".agentlua/**" }, second.protect)
    assert.same({ 1800, 0 }, { second.timeouts.idle, #second.verify })
  end)

  it("an unknown key names the nearest", function()
    fails("return { attemps = 3 }", "unknown key 'attemps'", "nearest is 'attempts'")
    fails("return { 'x' }", "unknown key '1'")
    fails("return { timeouts = { idel = 5 } }", "'timeouts.idel'", "'timeouts.idle'")
    fails("return { env = { dorp = {} } }", "'env.dorp'", "'env.drop'")
    fails("return { verify = { { argv = { 'x' }, requird = true } } }", "'verify[1].requird'")
  end)

  it("a value of the wrong type says what is wanted", function()
    fails("return { base = 5 }", "'base' must be a string, it is 5")
    fails("return { jobs = 'many' }", "'jobs' must be a number above 0, it is many")
    fails("return { jobs = 0 }", "'jobs' must be a number above 0")
    fails("return { land = 'octopus' }", "'land' must be one of squash, merge")
    fails("return { require_analysis = 'yes' }", "'require_analysis' must be a boolean")
    fails("return { setup = 'npm ci' }", "'setup' must be a list of string")
    fails("return { setup = { 'npm', 5 } }", "'setup' must be a list of string")
    fails("return { agents = {} }", "'agents' must be a list of at least 1 string")
    fails("return { agents = { claude = true } }", "'agents'")
    fails("return { timeouts = { wall = '60' } }", "'timeouts.wall' must be a number")
    fails("return { timeouts = 60 }", "'timeouts' must be a table")
    fails("return { limits = { backoff = { base = 0 } } }", "'limits.backoff.base' must be a number above 0")
    fails("return { limits = { max_wiat = 5 } }", "'limits.max_wiat'", "'limits.max_wait'")
    fails("return { rate = { claude = 3 } }", "'rate.claude' must be a table, it is 3")
    fails("return { rate = { claude = { per_hour = 3 } } }", "'rate.claude.per_hour'")
    fails("return { rate = { claude = { running = 1.5 } } }", "'rate.claude.running' must be a whole number above 0")
  end)

  it("what is left out of limits has its default", function()
    local limits = load_text("return { limits = { backoff = { base = 5 } } }").limits
    assert.same({ max_wait = 8 * 86400, repeats = 10, backoff = { base = 5, cap = 3600 } }, limits)
  end)

  it("the command that knows of reviews", function()
    assert.same({}, load_text("return {}").pr)
    assert.same({ "gh-state", "-q" }, load_text("return { pr = { status = { 'gh-state', '-q' } } }").pr.status)
    fails("return { pr = { create = { 'gh' } } }", "unknown key 'pr.create'", "'pr.status'")
    fails("return { pr = { status = {} } }", "'pr.status' must be a list of at least 1 string")
    fails("return { pr = true }", "'pr' must be a table")
  end)

  it("verify that would silently check nothing is an error", function()
    fails("return { verify = { name = 'x', argv = { 'make' } } }", "'verify' must be a list of")
    fails("return { verify = { { name = 'x' } } }", "verify[1] needs argv")
    fails("return { verify = { { argv = {} } } }", "'verify[1].argv'")
    fails("return { verify = { { argv = 'make test' } } }", "'verify[1].argv'")
  end)

  it("is data: it can call nothing", function()
    fails("os.execute 'touch x' return {}", "os", "config.lua is data")
    fails("return { base = io.open('/etc/passwd'):read() }", "io")
    fails("require 'agentlua' return {}", "require")
    fails("print 'x' return {}", "print")
    fails("return { base = _G.os }", "_G")
    fails("return load 'x'", "load")
  end)

  it("that raises, is no Lua, or returns no table", function()
    fails("return { base = nil + 1 }", "config.lua:1:")
    fails("return {", "config.lua:1:")
    fails("return 5", "must return a table")
    fails("", "must return a table")
    fails(string.dump(load "return {}"), "")
  end)

  it("that cannot be read", function()
    local ok, problem = pcall(config.load, support.dir)
    assert.is_false(ok)
    assert.equal(2, problem.exit)
    assert.truthy(problem.message:find(support.dir, 1, true))
  end)
end)
