local agent = require "agentlua.agent"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local support = require "support"

describe("agent classify", function()
  local good = { code = 0, signal = 0 }
  local failed = { code = 1, signal = 0 }
  local killed = { code = -1, signal = 9 }
  local bound = { code = -1, signal = 15, bound = "idle" }
  local e = {}
  local backend = { exits = { [53] = "max_turns" }, stderr = { { "not logged in", "auth" } } }

  -- What was seen, how the process ended, the ending.
  local cases = {
    { {}, good, "done" },
    { {}, failed, "crash" },
    { {}, killed, "killed" },
    { {}, bound, "timeout" },
    { { error = e }, failed, "api_error" },
    { { error = e }, good, "api_error" },
    { { error = e }, killed, "killed" },
    { { limit = e }, good, "limit" },
    { { limit = e, error = e }, failed, "limit" },
    { { auth = e }, failed, "auth" },
    { { question = e }, good, "needs_input" },
    { { question = e, final = {} }, good, "needs_input" },
    { { skip = "x" }, good, "refused" },
    { { limit = e, question = e }, bound, "timeout" },
    { { limit = e, cut = "limit" }, killed, "limit" },
    { { limit = e, final = { ok = true } }, good, "done" }, -- it recovered
    { { error = e, final = {} }, good, "done" },
    { { final = { ok = false } }, good, "api_error" }, -- some say success by their exit code
    { { final = { ok = false, ending = "max_turns" } }, failed, "max_turns" },
    { { final = {} }, failed, "api_error" },
    { { final = {} }, { code = -1, signal = 15, lingered = true }, "done" },
    { {}, { code = 53, signal = 0 }, "max_turns" },
    { {}, { code = 1, signal = 0, stderr = "error: not logged in" }, "auth" },
    { {}, { code = 0, signal = 0, stderr = "not logged in" }, "done" },
  }
  for i, case in ipairs(cases) do
    local state, result, ending = table.unpack(case)
    it(("%d: %s"):format(i, ending), function()
      assert.equal(ending, agent.classify(backend, state, result))
    end)
  end
end)

describe("agent classify, by the process alone", function()
  local backend = {
    exits = { [53] = "max_turns", [173] = "limit" }, ends_with_result = true,
    stderr = { { "no such session", "crash", code = "no_session" }, { "slow down", "limit" } },
  }
  local function classify(code, stderr, state)
    state = state or {}
    return agent.classify(backend, state, { code = code, signal = 0, stderr = stderr or "" }), state
  end

  it("exit 0 without a result is no good end where there always is one", function()
    assert.equal("crash", (classify(0)))
    assert.equal("done", (classify(0, "", { final = { ok = true } })))
  end)

  it("a session that is not known any more is told in the state", function()
    local ending, state = classify(1, "warning\nError: no such session 'x'\n  see --list\n")
    assert.equal("crash", ending)
    assert.same({ type = "error", text = "no such session 'x'", code = "no_session" }, state.error)
  end)

  it("a limit is always there to be waited for", function()
    local ending, state = classify(173, "", { error = { text = "429" } })
    assert.same({ "limit", { type = "limit", text = "429" } }, { ending, state.limit })
    ending, state = classify(1, "please slow down, 5 s")
    assert.same({ "limit", { type = "limit", text = "slow down, 5 s" } }, { ending, state.limit })
  end)
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
    assert.equal("sh", demo.argv[1])
    assert.equal("done", demo:classify({}, { code = 0, signal = 0 }))
  end)

  it("the path of an executable", function()
    local path = support.write("my agent.sh", "#!/bin/sh\n", 493)
    local backend = agent.load(path)
    assert.same({ path }, backend.argv)
    assert.equal(path, backend.name)
  end)

  it("settings of the project", function()
    local path = support.write("agent.sh", "#!/bin/sh\n", 493)
    local backend = agent.load(path, project { [path] = {
      args = { "--model", "x" }, env = { A = "b" }, account = "work",
    } })
    assert.same({ "--model", "x" }, backend.args)
    assert.same({ A = "b" }, backend.env)
    assert.equal(path .. "/work", backend.account)
  end)

  it("a backend of the project, which may decode and classify itself", function()
    support.write("agents/mine.lua", [[
      return { argv = { "sh", "-c", "exit" }, classify = function() return "auth" end }
    ]])
    local backend = agent.load("mine", project())
    assert.equal("auth", backend:classify())
    assert.equal(agent.decode, backend.decode)
  end)

  it("a backend of the project wins over ours, and config.lua over one field of it", function()
    support.write("agents/demo.lua", 'return { argv = { "sh" }, model = "a", env = { A = "1", B = "2" } }')
    local backend = agent.load("demo", project { demo = { model = "b", env = { B = "3" } } })
    assert.same({ "sh" }, backend.argv)
    assert.equal("b", backend.model)
    assert.same({ A = "1", B = "3" }, backend.env)
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

describe("agent, asked", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- A backend whose program notes each call.
  local function backend(script, fields)
    local path = support.write("cli", ("#!/bin/sh\necho \"$*\" >>'%s/calls'\n%s\n"):format(support.dir, script), 493)
    local one = { argv = { path }, version = { "--version" }, check = { "login", "status" }, env = {} }
    for name, value in pairs(fields or {}) do one[name] = value end
    one.name = "cli"
    return one
  end
  local function calls() return core.fs.read(support.dir .. "/calls") end

  it("its version is the first number with a dot, asked once", function()
    local one = backend "echo 'cli 7 (build), version 2.1.329-beta.1 (Cli)'"
    for _ = 1, 2 do assert.equal("2.1.329-beta.1", agent.version(one)) end
    assert.equal("--version\n", calls())
    assert.is_nil(agent.version { argv = { "sh" } })
  end)

  it("a program that cannot say its version is an error with its reason", function()
    local ok, problem = pcall(agent.version, backend "echo 'native binary not installed' >&2; exit 1")
    assert.is_false(ok)
    assert.same({ "ENOAGENT", 2 }, { problem.code, problem.exit })
    assert.matches("agent 'cli': .*/cli %-%-version' fails: native binary not installed", problem.message)
  end)

  it("a login is asked for only where it counts", function()
    local one = backend "exit 1"
    assert.is_false(agent.logged_in(one))
    assert.is_true(agent.logged_in(backend "# other\nexit 0"))
    assert.is_nil(agent.logged_in(backend("exit 1", { endpoint = "http://x" })))
    assert.is_nil(agent.logged_in(backend("exit 1", { check = false })))
    assert.is_nil(agent.logged_in(backend("exit 1", { api_keys = { "PATH" } })))
    assert.is_nil(agent.logged_in(backend("exit 1", { api_keys = { "MY_KEY" } }), { MY_KEY = "1" }))
    assert.is_true(agent.logged_in(backend('test -z "$HOME"', { api_keys = { "HOME" } }), { HOME = false }))
  end)
end)
