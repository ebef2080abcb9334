local agent = require "agentlua.agent"
local errors = require "agentlua.errors"
local support = require "support"

describe("agent decode", function()
  it("takes a line of JSON with a known type as an event", function()
    for kind in pairs(agent.event_types) do
      local event = agent.decode(('{"type":"%s","text":"x","n":1}'):format(kind))
      assert.same({ type = kind, text = "x", n = 1 }, event)
    end
  end)

  it("takes everything else as text, as it is", function()
    for _, line in ipairs {
      "", "plain", "{", "{}", '{"type":"unknown"}', '{"type":5}', '{"type":null}', '["limit"]',
      "null", "5", '{"type":"limit"', ' {"type":"limit"}', 'so {"type":"limit"}', "a\0b\xff",
      "You have hit your limit",
    } do
      assert.same({ type = "text", text = line }, agent.decode(line))
    end
  end)
end)

describe("agent classify", function()
  local good = { code = 0, signal = 0 }
  local failed = { code = 1, signal = 0 }
  local killed = { code = -1, signal = 9 }
  local bound = { code = -1, signal = 15, bound = "idle" }
  local e = {}

  -- What was seen, how the process ended, whether we stopped it, the ending.
  local cases = {
    { {}, good, false, "done" },
    { {}, failed, false, "crashed" },
    { {}, killed, false, "killed" },
    { {}, bound, false, "timeout" },
    { { error = e }, failed, false, "api_error" },
    { { error = e }, good, false, "api_error" },
    { { error = e }, killed, false, "killed" },
    { { limit = e }, good, false, "limit" },
    { { limit = e, error = e }, failed, false, "limit" },
    { { auth = e }, failed, false, "auth" },
    { { question = e }, good, false, "needs_input" },
    { { limit = e, question = e }, bound, false, "timeout" },
    { {}, killed, true, "stopped" },
    { { limit = e }, bound, true, "stopped" },
    { {}, good, true, "stopped" },
  }
  for i, case in ipairs(cases) do
    local state, result, stopping, ending = table.unpack(case, 1, 4)
    it(("%d: %s"):format(i, ending), function()
      assert.equal(ending, agent.classify(state, result, stopping))
    end)
  end
end)

describe("agent load", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function fails(name, project, ...)
    local ok, problem = pcall(agent.load, name, project)
    assert.is_false(ok)
    assert.is_true(errors.is(problem), tostring(problem))
    assert.same({ "ENOAGENT", 2 }, { problem.code, problem.exit })
    for _, text in ipairs { ... } do
      assert.truthy(problem.message:find(text, 1, true), problem.message)
    end
  end
  local function project(backends)
    return { dir = support.dir, config = { backends = backends or {} } }
  end

  it("a name of ours", function()
    local demo = agent.load "demo"
    assert.same({ "demo", "demo/default" }, { demo.name, demo.account })
    assert.equal("sh", agent.argv(demo)[1])
    assert.equal("done", demo.classify({}, { code = 0, signal = 0 }))
    assert.equal("text", demo.decode("x").type)
  end)

  it("the path of an executable", function()
    local path = support.write("my agent.sh", "#!/bin/sh\n", 493)
    local backend = agent.load(path)
    assert.same({ path }, agent.argv(backend))
    assert.equal(path, backend.name)
  end)

  it("settings of the project", function()
    local path = support.write("agent.sh", "#!/bin/sh\n", 493)
    local backend = agent.load(path, project { [path] = {
      args = { "--model", "x" }, env = { A = "b" }, account = "work",
    } })
    assert.same({ path, "--model", "x" }, agent.argv(backend))
    assert.same({ path, "--model", "x" }, agent.argv(backend)) -- again: it does not grow
    assert.same({ A = "b" }, backend.env)
    assert.equal(path .. "/work", backend.account)
  end)

  it("a backend of the project, which may decode and classify itself", function()
    support.write("agents/mine.lua", [[
      return { argv = { "sh", "-c", "exit" }, classify = function() return "auth" end }
    ]])
    local backend = agent.load("mine", project())
    assert.equal("auth", backend.classify())
    assert.equal("text", backend.decode("x").type)
  end)

  it("an unknown name, and what is no name", function()
    fails("nosuch", nil, "unknown agent 'nosuch'")
    fails("nosuch", project(), "unknown agent 'nosuch'")
    fails("", nil, "''")
    fails("a b", nil, "'a b' is not a name")
    fails("x;id", nil, "not a name")
    fails("..", nil, "not a name")
    fails("\27[31m", nil, "\\x1b[31m")
  end)

  it("a path that is missing, a directory, or not executable", function()
    fails("./no-such-agent.sh", nil, "./no-such-agent.sh", "No such file")
    fails(support.dir, nil, support.dir, "is a directory")
    local path = support.write("agent.sh", "#!/bin/sh\n", 420)
    fails(path, nil, path, "is not executable; chmod +x")
  end)

  it("a program that is not on PATH", function()
    support.write("agents/ghost.lua", 'return { argv = { "agentlua-no-such-program" } }')
    fails("ghost", project(), "agent 'ghost' needs 'agentlua-no-such-program'", "not on PATH")
  end)

  it("a backend that does not work is an error that names its file", function()
    support.write("agents/broken.lua", "return {")
    local ok, problem = pcall(agent.load, "broken", project())
    assert.is_false(ok)
    assert.matches("agents/broken.lua:1:", tostring(problem))
    support.write("agents/empty.lua", "return {}")
    ok, problem = pcall(agent.load, "empty", project())
    assert.is_false(ok)
    assert.matches("agents/empty.lua", tostring(problem), 1, true)
  end)
end)
