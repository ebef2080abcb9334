local agent = require "agentlua.agent"
local errors = require "agentlua.errors"
local launch = require "agentlua.attempt.launch"
local support = require "support"

describe("launch", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function backend(spec, own)
    local lines = { "return {", 'argv = { "sh", "run", { "--model", "{model}" }, { "--resume", "{session}" },',
      '"{permission}" },', spec or "", "}" }
    support.write("agents/mine.lua", table.concat(lines, "\n"))
    return agent.load("mine", { dir = support.dir, config = { backends = { mine = own or {} } } })
  end
  local function build(one, request)
    request = request or {}
    request.dir, request.prompt = support.dir, "do it"
    return launch.build(one, request)
  end

  it("leaves out what has no value", function()
    local built = build(backend())
    assert.same({ "sh", "run" }, built.argv)
    assert.equal("do it", built.stdin)
  end)

  it("fills in values, which are never looked at again", function()
    local built = build(backend(), { model = "{session} %1", session = "$(id)" })
    assert.same({ "sh", "run", "--model", "{session} %1", "--resume", "$(id)" }, built.argv)
  end)

  it("knows aliases of models, and defaults", function()
    local one = backend 'models = { big = "vendor-big-7" }, model = "big"'
    assert.same({ "sh", "run", "--model", "vendor-big-7" }, build(one).argv)
    assert.same({ "sh", "run", "--model", "other" }, build(one, { model = "other" }).argv)
  end)

  it("puts the user's arguments behind the program and at the end, each time anew", function()
    local one = backend(nil, { pre_args = { "-x" }, args = { "-y" } })
    for _ = 1, 2 do assert.same({ "sh", "-x", "run", "-y" }, build(one).argv) end
  end)

  it("has modes of permission; an unknown one is refused with those that there are", function()
    local one = backend 'permissions = { full = { "--yes" }, read = { "--ro" } }, permission = "full"'
    assert.same({ "sh", "run", "--yes" }, build(one).argv)
    assert.same({ "sh", "run", "--ro" }, build(one, { permission = "read" }).argv)
    local ok, problem = pcall(build, one, { permission = "all" })
    assert.is_false(ok)
    assert.is_true(errors.is(problem))
    assert.matches("agent 'mine' has no permission mode 'all'; it has: full, read", problem.message, 1, true)
  end)

  it("fills in variables, and drops keys with a subscription", function()
    local one = backend 'env = { BASE = "{endpoint}", A = "1", B = false }, api_keys = { "MINE_API_KEY" }'
    assert.same({ A = "1", B = false }, build(one).env)
    assert.same({ A = "1", B = false, BASE = "http://x" }, build(one, { endpoint = "http://x" }).env)
    one.billing = "subscription"
    assert.same({ A = "1", B = false, MINE_API_KEY = false }, build(one).env)
  end)

  it("lets a backend write a file outside of the worktree", function()
    local one = backend [[prepare = function(values, file)
      values.settings = file("settings.json", values.max_turns .. "")
    end, max_turns = 7, env = { SETTINGS = "{settings}" }]]
    local path = build(one).env.SETTINGS
    assert.equal(support.dir .. "/settings.json", path)
    assert.equal("7", require("agentlua.core").fs.read(path))
  end)
end)
